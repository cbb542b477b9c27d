# Reads the load tool's lines, one per round and server, for the tables that come after it: awk -f rounds.awk -f TABLE.awk.
# Sets figure[cell, protocol, round, name]; cells[1..cell_count], each "operation | connections", in the order of their first line; rounds.
# A ratio is taken within a round; the median round is shown and, where there are several, the lowest and highest.

function insert_sorted(list, count, value,    i) {
  for (i = count; i > 0 && list[i] > value; i--) {
    list[i + 1] = list[i]
  }
  list[i + 1] = value
}

# Of the subject to the reference.
function ratio(cell, subject, reference, name,    list, round, middle) {
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
