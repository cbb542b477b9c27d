# One protocol beside another as a Markdown table, after rounds.awk: -v subject=PROTOCOL -v reference=PROTOCOL, of which the first is shown in
# ratios to the second.

END {
  print "| operation | connections | p50 of the reference | p50 ratio | ops/s ratio | server CPU ratio | p99 of the reference | p99 |"
  print "| --- | --: | --: | --: | --: | --: | --: | --: |"
  for (i = 1; i <= cell_count; i++) {
    cell = cells[i]
    printf "| %s | %.0f µs | %s | %s | %s | %.1f ms | %.1f ms |\n", cell,
      absolute(cell, reference, "p50_us"), ratio(cell, subject, reference, "p50_us"), ratio(cell, subject, reference, "ops_per_s"), ratio(cell, subject, reference, "server_cpu_us"),
      absolute(cell, reference, "p99_us") / 1000, absolute(cell, subject, "p99_us") / 1000
  }
}
