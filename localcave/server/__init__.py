"""The routes that answer caveclient and Neuroglancer."""
