"""Volumes, meshes, annotations and properties in Neuroglancer's precomputed format.

Public names:

- `annotation_format`: Level, Property, category_property, info, levels, many, number_property,
  one_annotation, records
- `meshes`: FLAT_INFO, GRAPHENE_INFO, LevelledMesh, draco, tubes
- `segment_properties`: segment_properties
- `synapse_points`: synapse_points
- `volumes`: SOMA_RADIUS_NM, Volume
- `watershed`: POINT_RADIUS_NM, Watershed
"""
