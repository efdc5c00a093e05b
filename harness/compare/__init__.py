"""Tables side by side: what differs, in words; and tables and notebooks' outputs as texts that can be kept."""
