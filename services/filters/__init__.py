"""The filter language: lines and boxes to conditions, conditions to rows of a frame."""
