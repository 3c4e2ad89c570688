#!/usr/bin/env bash
# tests/colab/check.sh PYTHON: does the course run next to Colab's packages, and leave every one of them as it is?
# PYTHON is that of an environment of its own; `make colab-check` makes it.
set -uo pipefail
course=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$1
copy=$(mktemp -d) && trap 'rm -rf "$copy"' EXIT
export PYTHONHASHSEED=0 COURSE_PROFILE=smoke COURSE_RUNS="$copy/runs" MPLBACKEND=module://matplotlib_inline.backend_inline
unset PYTHONPATH COURSE_STATIC
failed=0

pip() { "$python" -m pip --disable-pip-version-check "$@"; }
frozen() { pip freeze --all 2>/dev/null | sort; }

echo "== Colab's packages"
brought="$("$python" -c 'import sys; print(sys.prefix)')/brought-by-the-course.txt"
if [ -e "$brought" ]; then pip uninstall --quiet --yes -r "$brought"; fi
pip install --quiet -r "$course/tests/colab/constraints.txt" || exit 1
frozen >"$copy/before"

# A copy, so that what is imported is what was installed, and nothing here is written.
cp -r "$course"/{course_lib,pyproject.toml,README.md,LICENSE,book,exercises,tests} "$copy"
echo "== The course beside them"
pip install --quiet "$copy" || exit 1
frozen >"$copy/after"
if moved=$(comm -23 "$copy/before" "$copy/after") && [ -n "$moved" ]; then
  echo "Installing course_lib moved:" $moved
  failed=1
fi
comm -13 "$copy/before" "$copy/after" | sed -E 's/(==| @ ).*//' >"$brought"
echo "New: $(xargs <"$brought")"
rm -r "$copy/course_lib"

# Live, as a student runs them: sliders and progress bars are widgets here, and static in the book. The exercises with
# their solutions, where they are at hand.
echo "== Every chapter and exercise in smoke"
for notebook in $(cd "$copy" && find book exercises/instructor -name '*.ipynb' 2>/dev/null | sort); do
  start=$SECONDS
  if "$python" -m nbconvert --to notebook --execute --stdout --log-level=ERROR "$copy/$notebook" >"$copy/ran" 2>"$copy/errors"; then
    echo "$notebook: fine ($((SECONDS - start)) s)"
  else
    echo "$notebook: FAILED"
    tail -n 20 "$copy/errors"
    failed=1
  fi
done

echo "== Sliders and quizzes"
(cd "$copy" && "$python" -m pytest --durations=0 tests/test_explore.py tests/test_hover.py tests/test_quiz.py) || failed=1
exit $failed
