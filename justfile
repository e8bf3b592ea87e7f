# The commands of this project; `just` lists them.
default:
    @just --list

# the first lesson
learn:
    cargo run -- lesson 1

# what CI runs
ci:
    .ci/run

# whether it compiles for other systems, of these targets or of all
port *TARGETS:
    .ci/port check {{TARGETS}}

# the files that are handed out, for Linux and Windows, in target/dist
dist *TARGETS:
    .ci/port dist {{TARGETS}}

# every claim, checked on this machine
verify:
    cargo run --release -- verify

# the pictures of README.md and docs/usage.md, from the recordings that are kept
pictures *ARGS:
    cargo run --example maintain pictures {{ARGS}}

# the recordings that ship, on a machine that can run every experiment
recordings:
    cargo run --example maintain recordings

# the catalogues, after a sentence was added, changed or taken out
catalogues:
    cargo run --example maintain catalogues

# all lessons as pages
book:
    cargo run -- book --out target/book

# the numbers of the tables in docs/usage.md
bench:
    cargo bench --bench ratios
    cargo bench --bench modes
    cargo bench --bench wire > /dev/null
