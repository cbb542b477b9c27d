# Turns the load tool's lines, one per round and server, into a Markdown table: -v subject=PROTOCOL -v reference=PROTOCOL, of which the
# first is shown in ratios to the second.
# A ratio is taken within a round; the table shows the median round and, where
# there are several, the lowest and highest.

function insert_sorted(list, count, value,    i) {
  for (i = count; i > 0 && list[i] > value; i--) {
    list[i + 1] = list[i]
  }
  list[i + 1] = value
}

# The median of numerator / denominator over all rounds of one cell.
function ratio(cell, name,    list, round, middle) {
  for (round = 1; round <= rounds; round++) {
    insert_sorted(list, round - 1, figure[cell, subject, round, name] / figure[cell, reference, round, name])
  }
  middle = sprintf("%.2f", median(list, rounds))
  return rounds == 1 ? middle : sprintf("%s (%.2f–%.2f)", middle, list[1], list[rounds])
}

function absolute(cell, protocol, name,    list, round) {
  for (round = 1; round <= rounds; round++) {
    insert_sorted(list, round - 1, figure[cell, protocol, round, name])
  }
  return median(list, rounds)
}

function median(list, count) {
  return (list[int((count + 1) / 2)] + list[int(count / 2) + 1]) / 2
}

{
  for (i = 1; i <= NF; i++) {
    split($i, pair, "=")
    value[pair[1]] = pair[2]
  }
  cell = value["operation"] " | " value["connections"]
  if (!(cell in known)) {
    known[cell] = 1
    cells[++cell_count] = cell
  }
  for (name in value) {
    figure[cell, value["protocol"], value["round"], name] = value[name]
  }
  rounds = value["round"]
}

END {
  print "| operation | connections | p50 of the reference | p50 ratio | ops/s ratio | server CPU ratio | p99 of the reference | p99 |"
  print "| --- | --: | --: | --: | --: | --: | --: | --: |"
  for (i = 1; i <= cell_count; i++) {
    cell = cells[i]
    printf "| %s | %.0f µs | %s | %s | %s | %.1f ms | %.1f ms |\n", cell,
      absolute(cell, reference, "p50_us"), ratio(cell, "p50_us"), ratio(cell, "ops_per_s"), ratio(cell, "server_cpu_us"),
      absolute(cell, reference, "p99_us") / 1000, absolute(cell, subject, "p99_us") / 1000
  }
}
