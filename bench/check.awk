# Fails when the daemon is far slower than the reference of the same round allows. Reads the load tool's lines.
# The bounds are wide: on a machine of two cores there are 0.65 to 0.85 times the operations at 16 connections.

{
  for (i = 1; i <= NF; i++) {
    split($i, pair, "=")
    value[pair[1]] = pair[2]
  }
  rate[value["operation"], value["connections"], value["protocol"]] += value["ops_per_s"]
}

END {
  least["generate", 16] = least["decrypt", 16] = 0.3
  for (cell in least) {
    found = rate[cell, "native"] / rate[cell, "reference"]
    if (found < least[cell]) {
      split(cell, part, SUBSEP)
      printf "%s at %s connections: %.2f times the operations of the reference, at least %.2f is expected\n", part[1], part[2], found, least[cell]
      failed = 1
    }
  }

  exit failed
}
