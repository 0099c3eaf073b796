"""What all rooms share: errors, records, columns, ids, identities, units, colours, profiles, settings, logs, metrics.

It imports no other room.

Public names:

- `addresses`: bare, host, is_name, is_private_way, origin
- `bound_points`: PLACE, position_columns, positions, root_columns
- `calls`: Call, Read, call, known, script
- `colours`: BLANK, SEVERAL, WHEEL, assign, in_order
- `columns`: Column, Kind, as_stored, beside, decimals, default_group, describe_columns, find_column,
  groupable, in_words, kind_of
- `directions`: Direction, SIDES, Side
- `errors`: BadInput, Expired, KarstError, NoRows, NotAllowed, NotFound, SignIn, TooLarge, TooOften,
  Unavailable, Unforeseen, Upstream, WrongMethod, request_id
- `http_requests`: Incoming, MOST_HEAD, MOST_MB
- `id_text`: EXACT, LARGEST_ID, as_id, cleaned, is_float, is_rounded, looks_rounded, tokens, visible,
  without_calls
- `identity`: Identity, is_token
- `json_text`: read_json
- `logs`: config, explain
- `metrics`: CACHE_ANSWERS, CAVE_BYTES, CAVE_OPENED, CAVE_REQUESTS, CAVE_SPARED, QUESTION_SECONDS,
  REQUEST_SECONDS, text
- `moments`: FIRST_MOMENT, LIVE, MOMENT_FORMAT, MomentNumber, is_moment, number_of, read_moment,
  written_moment
- `natural_order`: natural_ranks, natural_sorted
- `network`: is_only_here, join_address, spare_loopback
- `pages`: StoppedError, between_pages, page_ended
- `parallel`: MOST_AT_ONCE, gather
- `profiles`: LayerSet, Profile, Viewer, Volume, faults, file_of, load_profile, load_volume
- `records`: TableInfo, Version, read_tables, read_versions
- `roles`: CONTACT_SCHEMAS, N_INPUT, N_OUTPUT, PAIR_COUNTS, PAIR_ENDS, PAIR_SIZE, PROOFREADING_SCHEMAS, RULES,
  Role, Roles, SYNAPSE_SCHEMAS, TUNING_SCHEMAS, is_of_pairs, resolve
- `servers`: Server
- `settings`: ROOT, Settings
- `sorting`: Sort, SortDirection, format_sort, parse_sort
- `space`: Floats, depth_um, depths_of, layer_of, nm_to_um, nm_to_voxels, points, positions_um, voxels_to_nm
- `stages`: begin_render, stage, start
- `type_columns`: BEGINS, BETWEEN, EACH, MOST_SYSTEMS, NO_TYPE, SEPARATOR, SEVERAL, USUAL_SYSTEM, agreed,
  are_several, as_counted, blank_words, each_system, of_system, system_column, type_column, usual_system
- `waiting`: Question, Waiting, before_waiting, question, seconds_to_wait, waited_in_vain, waiting_for_others
- `whole_numbers`: Default, whole_number
"""
