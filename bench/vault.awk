# What goes through a sidecar beside what goes to Vault directly, as a Markdown table, after rounds.awk. The reference is `direct`, and every other
# protocol of a cell has a row.

END {
  names["cached"] = "the sidecar"
  names["uncached"] = "the sidecar, no cache"
  print "| server | operation | callers | through | direct ops/s | ops/s ratio | direct p50 | p50 ratio | direct p99 | p99 ratio | calls per data key | data keys per call |"
  print "| --- | --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --: |"
  for (i = 1; i <= cell_count; i++) {
    row("cached")
    row("uncached")
  }
}

function row(subject,    cell, label) {
  cell = label = cells[i]
  if (!((cell, subject, 1, "calls") in figure)) {
    return
  }

  sub(/\|/, " | ", label)
  printf "| %s | %s | %.0f | %s | %.0f µs | %s | %.1f ms | %s | %.3f | %.1f |\n", label, names[subject],
    absolute(cell, "direct", "ops_per_s"), ratio(cell, subject, "direct", "ops_per_s"),
    absolute(cell, "direct", "p50_us"), ratio(cell, subject, "direct", "p50_us"),
    absolute(cell, "direct", "p99_us") / 1000, ratio(cell, subject, "direct", "p99_us"),
    absolute(cell, subject, "calls_per_key"), absolute(cell, subject, "keys_per_call")
}
