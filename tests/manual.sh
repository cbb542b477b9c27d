#!/usr/bin/env bash
# The manual pages and shell completions, read by man and mandoc and pressed Tab at in bash, zsh and fish. The last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/assert.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MANPATH
export LC_ALL=C.UTF-8 MANWIDTH=100

dotnet run -c Release --project packaging/manual -- "$work" 1.2.3 2026-01-31 || { echo "0 passed, 1 failed"; exit 1; }

for page in kms-sidecar.8 kms-sidecar.conf.5; do
  check "$page: man has no warning" "" "$(man --warnings -l "$work/$page" 2>&1 >"$work/$page.txt")"
  check "$page: mandoc has none" "" "$(mandoc -T lint "$work/$page" 2>&1)"
  check "$page: whatis" "${page%.*} - " "$(lexgrog "$work/$page" | sed -nE 's/.*"('"${page%.*}"' - ).*/\1/p')"
done

for flag in listen tls-cert state-dir log-level allow-immediate-deletion; do
  has "$flag is in the manual" "--$flag" "$(cat "$work/kms-sidecar.8.txt")"
  has "${flag//-/_} is in the settings" "${flag//-/_} =" "$(cat "$work/kms-sidecar.conf.5.txt")"
done

# A unit is not to start again what a restart does not mend.
lasting=$(awk '/^\.SH/ { on = /EXIT STATUS/ } on && /^\.B / { gsub(/[^0-9]/, ""); code = $0; codes[++n] = code } on && /may pass/ { passes[code] = 1 }
  END { for (i = 1; i <= n; i++) if (codes[i] > 1 && !(codes[i] in passes)) printf "%s%s", (out++ ? " " : ""), codes[i] }' "$work/kms-sidecar.8")
check "the unit's RestartPreventExitStatus is the manual's" "$lasting" "$(sed -n 's/^RestartPreventExitStatus=//p' packaging/systemd/kms-sidecar.service)"

# What Tab offers after a line, in one line, sorted. An empty last word is a word.
bash_tab() { # WORD...
  bash --norc -c '
    . "$1"; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    compopt() { :; }
    _kms_sidecar
    printf "%s\n" "${COMPREPLY[@]}"' - "$work/kms-sidecar.bash" "$@" | sort | paste -sd' '
}
fish_tab() { # LINE
  fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$work/kms-sidecar.fish" "$1" | cut -f1 | sort | paste -sd' '
}
zsh_tab() { # LINE: what the line becomes
  zsh -f -c '
    zmodload zsh/zpty
    zpty tab zsh -f -i
    zpty -w tab "fpath=($1 \$fpath) PROMPT= RPROMPT=; autoload -Uz compinit; compinit -D -u; zle_highlight=none; TERM=dumb; print rea\"\"dy"
    zpty -r -m tab line "*ready*"
    zpty -w -n tab "$2"$'"'\t'"'
    zpty -w -n tab $'"'\C-a'"'"print -r -- \"<"$'"'\C-e'"'">\""$'"'\n'"'
    zpty -r -m tab line "*"$'"'\n'"'"<*>*"
    print -r -- "${${line##*$'"'\n'"'<}%%>*}"
    zpty -d tab' - "$work" "$1"
}

files=$work/files
mkdir -p "$files/some-directory"
touch "$files/some-file"

commands="apply audit bench check clear-cache configure decrypt-only diff doctor history keys policy reconfigure rollback serve start status stop tls top users"
key_commands="cancel-deletion create delete describe disable enable export import list rotate show tag untag"
check "bash: commands" "$commands" "$(bash_tab kms-sidecar '')"
check "bash: a command below another" "$key_commands" "$(bash_tab kms-sidecar keys '')"
check "bash: options behind an argument" "--tag --timeout" "$(bash_tab kms-sidecar keys create some-key --t)"
check "bash: a command below audit" "show verify" "$(bash_tab kms-sidecar audit '')"
check "bash: options" "--log-format --log-level" "$(bash_tab kms-sidecar serve --log-)"
check "bash: values" "debug error info warning" "$(bash_tab kms-sidecar serve --log-level '')"
check "bash: a value behind =" "debug" "$(bash_tab kms-sidecar serve --log-level = de)"
check "bash: files" "$files/some-directory $files/some-file" "$(bash_tab kms-sidecar check --tls-cert "$files/")"
check "bash: files behind a letter" "$files/some-directory $files/some-file" "$(bash_tab kms-sidecar configure -f "$files/")"
check "bash: directories" "$files/some-directory" "$(bash_tab kms-sidecar tls init --dir "$files/")"
check "bash: groups" "daemon" "$(bash_tab kms-sidecar serve --socket-group daem)"
check "bash: nothing for free text" "" "$(bash_tab kms-sidecar serve --region '')"

check "fish: commands" "$commands" "$(fish_tab 'kms-sidecar ')"
check "fish: a command below another" "$key_commands" "$(fish_tab 'kms-sidecar keys ')"
check "fish: the options of the right check" "--user" "$(fish_tab 'kms-sidecar policy check --us')"
check "fish: options behind an argument" "--tag --timeout" "$(fish_tab 'kms-sidecar keys create some-key --t')"
check "fish: options" "--log-format --log-level" "$(fish_tab 'kms-sidecar serve --log-')"
check "fish: values" "debug error info warning" "$(fish_tab 'kms-sidecar serve --log-level ')"
check "fish: files" "$files/some-directory/ $files/some-file" "$(fish_tab "kms-sidecar check --tls-cert $files/")"
check "fish: files behind a letter" "$files/some-directory/ $files/some-file" "$(fish_tab "kms-sidecar configure -f $files/")"
check "fish: directories" "$files/some-directory/" "$(fish_tab "kms-sidecar tls init --dir $files/")"

check "zsh: a command" "kms-sidecar policy" "$(zsh_tab 'kms-sidecar pol')"
check "zsh: a command below another" "kms-sidecar keys export" "$(zsh_tab 'kms-sidecar keys ex')"
check "zsh: an option" "kms-sidecar policy check --source-ip" "$(zsh_tab 'kms-sidecar policy check --so')"
check "zsh: an option behind an argument" "kms-sidecar keys create some-key --description" "$(zsh_tab 'kms-sidecar keys create some-key --desc')"
check "zsh: a value" "kms-sidecar serve --log-level=warning" "$(zsh_tab 'kms-sidecar serve --log-level=wa')"
check "zsh: a file behind a letter" "kms-sidecar configure -f $files/some-file" "$(zsh_tab "kms-sidecar configure -f $files/some-f")"
check "zsh: a file" "kms-sidecar check --tls-cert $files/some-file" "$(zsh_tab "kms-sidecar check --tls-cert $files/some-f")"

report
