# For scripts that run one step after another. A step that fails does not stop the ones
# behind it; finish names it again at the end.

failed=()

# step NAME COMMAND… runs the command and prints how long it took.
step() {
	local name=$1 start=$SECONDS said=ok
	shift
	printf '\n== %s\n' "$name"
	"$@" || { said=FAILED && failed+=("$name"); }
	printf '== %s: %s, %d s\n' "$name" "$said" $((SECONDS - start))
}

# skip NAME WHY says loudly that a step is left out. In CI nothing may be.
skip() {
	printf '\n!! %s: SKIPPED, %s\n' "$1" "$2"
	[ "${CI:-}" != true ] || failed+=("$1")
}

# finish prints the outcome and leaves with it.
finish() {
	if [ ${#failed[@]} -gt 0 ]; then
		printf '\n== %d s, FAILED:' "$SECONDS"
		printf ' [%s]' "${failed[@]}"
		printf '\n'
		exit 1
	fi
	printf '\n== %d s, all ok\n' "$SECONDS"
}
