"""Volumes, meshes, annotations and properties in Neuroglancer's precomputed format."""
