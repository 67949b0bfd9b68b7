# Shared by the scripts of this folder, which source it: the package's root, packages, the toolchain, mpirun.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packages=(
    libopenmpi-dev openmpi-bin libopenblas-dev libhdf5-dev libturbojpeg0-dev libjpeg-dev libspng-dev libwebp-dev libarchive-dev liblzma-dev zlib1g-dev pkg-config
)
export T2FNORM_CPU=${T2FNORM_CPU:-native}

say() { echo "$*" >&2; }

# Ends the script with a line and exit code 6, the environment's.
stop() {
    say "${0##*/}: $*"
    exit 6
}

# Prints the comment that a script opens with, as its help, and ends it.
help_and_exit() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
}

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            echo "$package"
    done
}

# Installs what is missing; without the right to, says what to run.
install_packages() {
    command -v dpkg-query >/dev/null ||
        stop "this is no Debian system; install Open MPI, OpenBLAS, HDF5, TurboJPEG, libjpeg, libspng, libwebp, libarchive, liblzma, zlib (with" \
            "headers) and pkg-config, then run: swift build -c release"
    local missing privilege=()
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null || [[ -t 0 && -n $(command -v sudo) ]] ||
            stop "packages are missing; run: sudo apt-get install --yes ${missing[*]}"
        privilege=(sudo)
    fi
    logged packages "installing ${missing[*]}" "${privilege[@]}" env DEBIAN_FRONTEND=noninteractive bash -c \
        'apt-get update && apt-get install --yes --no-install-recommends "$@"' - "${missing[@]}"
}

# logged NAME NOTICE COMMAND …: runs a command with its output in .build/setup-NAME.log; says NOTICE when it takes
# longer than a few seconds, and shows what went wrong where it fails.
logged() {
    local log=$root/.build/setup-$1.log notice=$2 slow code=0
    shift 2
    mkdir -p "$root/.build"
    (
        sleep 4 >/dev/null 2>&1
        say "$notice"
    ) &
    slow=$!
    "$@" >"$log" 2>&1 || code=$?
    { kill "$slow" && wait "$slow"; } 2>/dev/null || true
    ((code == 0)) && return 0
    grep -E 'error:|^E: ' "$log" | sort -u | head -20 >&2 || tail -n 20 "$log" >&2
    stop "failed with exit code $code; the whole log: $log"
}

check_swift() {
    command -v swift >/dev/null ||
        stop "no swift found; install Swift 6.3 or later (https://www.swift.org/install/linux) and put it on PATH"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -1)
    [[ -n $version && $(printf '%s\n' 6.3 "$version" | sort --version-sort | head -1) == 6.3 ]] ||
        stop "swift is version ${version:-unknown}, expected 6.3 or later (https://www.swift.org/install/linux)"
}

build() {
    logged build "building t2fnorm for CPU $T2FNORM_CPU, some minutes the first time" \
        swift build --package-path "$root" -c release --product t2fnorm
}

# Lets mpirun work as root, in containers, with more ranks than cores, and beside other programs: a rank that waits
# gives its core away.
allow_mpirun() {
    if ((EUID == 0)); then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_rmaps_base_oversubscribe=${OMPI_MCA_rmaps_base_oversubscribe:-1}
    export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle:-1}
    export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
}

# run_ranks COUNT PROGRAM …: mpirun without its banners; what they would have said of a killed rank is said here.
run_ranks() {
    local count=$1 code=0
    shift
    command -v "$1" >/dev/null || stop "no program $1; run launch/setup"
    allow_mpirun
    mpirun --quiet -n "$count" "$@" || code=$?
    ((code > 128)) && say "${0##*/}: a rank was ended by signal $((code - 128)) ($(kill -l $((code - 128))))"
    return "$code"
}
