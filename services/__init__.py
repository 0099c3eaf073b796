"""The cached service layer: plain Python over DataFrames, without any Dash."""
