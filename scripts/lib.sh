# Functions that the scripts share; to be sourced.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs
passed=0
failed=0
running=  # the process of the stage
beside=() # those of the scripts that `begin` began
tally='^([0-9]+) passed, ([0-9]+) failed$'

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

at_least() { # <version> <minimum>
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

has_cargo() { have cargo && at_least "$(cargo --version 2>/dev/null | awk '{ print $2 }')" 1.70; }

# How many compilers a build may run at once: CHAIN_JOBS, or one per core, with 1.5 GB of memory for each. Where builds run
# side by side (see share_cores), half of the cores are another one's.
jobs() {
    local cores memory
    if [[ -n ${CHAIN_JOBS-} ]]; then say "$CHAIN_JOBS"; return; fi
    cores=$(nproc)
    if [[ -n ${CHAIN_PLACES-} ]]; then cores=$(((cores + 1) / 2)); fi
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
    if ((memory < 1)); then memory=1; fi
    say $((cores < memory ? cores : memory))
}

# Before scripts that compile are run side by side: CHAIN_PLACES becomes a folder with two places, in each of which one of
# them compiles at a time. Where a caller has done so, that one's are used.
share_cores() {
    if [[ -n ${CHAIN_PLACES-} ]]; then return; fi
    CHAIN_PLACES=$(mktemp -d)
    export CHAIN_PLACES
    trap 'rm -r "$CHAIN_PLACES"' EXIT
}

# Runs a command that compiles in one of the two places, if there are such, behind those that came before. A stage's time
# begins when it has one.
in_place() { # <command...>
    local status=0
    if [[ -n ${CHAIN_PLACES-} ]]; then take_place; fi
    "$@" || status=$?
    exec 8>&-
    return "$status"
}
take_place() {
    [[ -d $CHAIN_PLACES ]] || die "CHAIN_PLACES is no folder: $CHAIN_PLACES"
    exec 7>>"$CHAIN_PLACES/queue"
    flock 7
    until take_if_free 1 || take_if_free 2; do sleep 1; done
    exec 7>&-
}
take_if_free() { # <place>
    exec 8>>"$CHAIN_PLACES/$1"
    flock --nonblock 8
}

# Stands before a command that only computes: it gets what tests leave of the cores, since tests wait for answers.
modest=(nice -n 10)

# Prints the path of a Chromium-like browser: the one that CHAIN_CHROMIUM names, or one on the PATH. The headless shell has
# the same engine without the windows that nobody looks at, and needs half of the time.
find_chromium() {
    local name
    if [[ -n ${CHAIN_CHROMIUM-} ]]; then say "$CHAIN_CHROMIUM"; return; fi
    for name in chromium-headless-shell chromium google-chrome google-chrome-stable chromium-browser; do
        if works_as_browser "$name"; then command -v "$name"; return; fi
    done
    return 1
}

# Ubuntu's chromium-browser may be a script that only says that the snap is missing.
works_as_browser() { have "$1" && "$1" --version >/dev/null 2>&1 </dev/null; }

# Runs a command without address space randomisation where that is allowed: the sanitizers of older
# compilers cannot place their shadow memory under the randomisation of newer kernels.
fixed_addresses() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

build_preset() { # <preset> [-D<option>...] [target...]
    local preset=$1 targets=() flags=()
    shift
    case ${CI:+$preset} in # nobody debugs or changes anything there
        dev) flags=(-D CMAKE_CXX_FLAGS_DEBUG= -D CHAIN_UNITY=ON -D CHAIN_TEST_BATCH=0) ;;
        asan | tsan) flags=(-D CMAKE_CXX_FLAGS_DEBUG=-fno-omit-frame-pointer) ;;
    esac
    while [[ ${1-} == -D* ]]; do
        flags+=("$1")
        shift
    done
    if (($# > 0)); then targets=(--target "$@"); fi
    cmake -S "$root" --preset "$preset" --log-level=WARNING ${flags[@]+"${flags[@]}"}
    cmake --build "$root/build/$preset" --parallel "$(jobs)" ${targets[@]+"${targets[@]}"} -- -k 0
}

# --- stages -------------------------------------------------------------------------------------

trap 'stop_running; exit 130' INT
trap 'stop_running; exit 143' TERM
stop_running() {
    local process
    for process in $running "${beside[@]}"; do kill -TERM "$process" 2>/dev/null || true; done
}

# Runs a command as a stage: at most <seconds> long, its output in a log that is shown when it fails.
# <count> says how to count what it did: check, catch, node, or headers.
stage() { # <name> <seconds> <count> <command...>
    local name=$1 limit=$2 count=$3 status=0 start=$EPOCHREALTIME
    shift 3
    mkdir -p "$logs"
    local log=$logs/$name.log
    printf '%-18s' "$name"
    timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null &
    running=$!
    wait "$running" || status=$?
    running=
    local good bad
    read -r good bad < <("count_$count" "$log" "$status")
    if ((status != 0 && bad == 0)); then bad=1; fi
    if ((good + bad == 0)); then bad=1; fi
    report "$name" "$good" "$bad" "$start" "$(reason "$status" "$limit" "$good")"
    if ((bad > 0)); then show "$log"; fi
    ((bad == 0))
}

# Runs a script that has stages and a tally of its own, at most <seconds> long, and adds its tally.
nested() { # <name> <seconds> <command...>
    local name=$1 limit=$2 status=0 start=$EPOCHREALTIME
    shift 2
    mkdir -p "$logs"
    say "$name:"
    timeout --foreground --kill-after=10 "$limit" "$@" 2>&1 </dev/null |
        tee "$logs/$name.log" | sed -uE "/$tally/d" || status=$?
    add_tally "$name" "$limit" "$status" "$start"
}

# Begins such a script beside what follows; `collect` waits for all of them, shows what they printed, and adds their tallies.
begin() { # <name> <seconds> <command...>
    local log=$logs/$1.log
    beside_name+=("$1") beside_limit+=("$2") beside_start+=("$EPOCHREALTIME")
    mkdir -p "$logs"
    timeout --kill-after=10 "$2" "${@:3}" >"$log" 2>&1 </dev/null &
    beside+=($!)
}

collect() {
    local index name status
    for index in "${!beside[@]}"; do
        name=${beside_name[index]} status=0
        wait "${beside[index]}" || status=$?
        say "$name:"
        sed -E "/$tally/d" "$logs/$name.log"
        add_tally "$name" "${beside_limit[index]}" "$status" "${beside_start[index]}"
    done
    beside=()
}

# Adds the tally at the end of a script's log; a script that failed without a failure in it counts as one.
add_tally() { # <name> <seconds> <status> <start>
    local good bad
    read -r good bad < <(sed -nE "s/$tally/\\1 \\2/p" "$logs/$1.log" | tail -n 1 | grep . || say 0 0)
    if (($3 != 0 && bad == 0)) || ((good + bad == 0)); then bad=1; fi
    printf '%-18s' "$1"
    report "$1" "$good" "$bad" "$4" "$(reason "$3" "$2" "$good")" "$(date -r "$logs/$1.log" +%s.%N)"
}

report() { # <name> <good> <bad> <start> <reason> [end]
    passed=$((passed + $2))
    failed=$((failed + $3))
    printf '%5d passed %3d failed %7.1f s%s\n' "$2" "$3" "$(seconds_since "$4" "${6-}")" "$5"
}

# A stage that could not be run counts as one failure.
not_run() { # <name> <reason>
    printf '%-18s' "$1"
    report "$1" 0 1 "$EPOCHREALTIME" "  (not run: $2)"
}

seconds_since() { awk -v a="$1" -v b="${2:-$EPOCHREALTIME}" 'BEGIN { printf "%.1f", b - a }'; } # <start> [end]

reason() { # <status> <limit> <good>
    case $1 in
        124 | 137) say "  (stopped after $2 s)" ;;
        0) if (($3 == 0)); then say "  (nothing was tested)"; fi ;;
        *) say "  (exit status $1)" ;;
    esac
}

show() {
    local lines
    lines=$(wc -l <"$1")
    say "----- ${1#"$root"/} $( ((lines > 400)) && say "(the last 400 of $lines lines) ")-----"
    tail -n 400 "$1"
    say "-----"
}

# Each counter prints "<passed> <failed>" for a log and the exit status of what wrote it.

count_check() { if (($2 == 0)); then say 1 0; else say 0 1; fi; }

# Catch2: "All tests passed (9 assertions in 3 test cases)", or "test cases: 3 | 2 passed | 1 failed".
count_catch() {
    awk '/^All tests passed/ { sub(/.* in /, ""); good = $1; bad = 0 }
        /^test cases:/ {
            good = bad = 0
            for (i = split($0, part, "|"); i > 1; --i) {
                split(part[i], word, " ")
                if (word[2] == "passed") good = word[1]
                if (word[2] == "failed" && word[3] == "") bad = word[1]
            }
        }
        END { print good + 0, bad + 0 }' "$1"
}

# node --test: "# pass 3" (or "ℹ pass 3"), of every run in the log. What was skipped was not tested.
count_node() {
    awk '$1 == "#" || $1 == "ℹ" {
            if ($2 == "pass") good += $3
            if ($2 == "fail" || $2 == "cancelled" || $2 == "skipped" || $2 == "todo") bad += $3
        }
        END { print good + 0, bad + 0 }' "$1"
}

# A build of tests/headers: as many checks as headers, less those that did not compile.
count_headers() {
    local all bad
    all=$(cat "$root/build/dev/tests/headers/count")
    bad=$(grep -c '^FAILED: .*chain_headers[.]dir' "$1" || true)
    if (($2 != 0 && bad == 0)); then bad=$all; fi
    say $((all - bad)) "$bad"
}

# Prints the tally, and fails if anything did.
finish() {
    say "$passed passed, $failed failed"
    ((failed == 0 && passed > 0))
}
