"""What everything else speaks of: errors, records, columns, ids, units, colours, profiles, settings.

Knows neither CAVE nor the web.
"""
