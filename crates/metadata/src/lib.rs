//! What a Headwater cluster is and how it may change: image, commands, records and the table of all configs
