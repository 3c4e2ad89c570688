#!/bin/bash
# Runs inside Colab's image: the checkout is at /checkout (read-only), the chapters' setup cells install this commit.
set -uo pipefail
cp -r /checkout/book /content/book && cd /content/book

# The image has nbclient and nbformat, which the runner needs.
frozen() { python3 -m pip freeze --all 2>/dev/null | sort; }
frozen >/content/before
echo "Colab's image: $(python3 --version), $(grep -ciE '==| @ ' /content/before) packages:"
grep -E '^(torch|numpy|ipywidgets|ipython)==' /content/before

# Install from this repository and this very commit, whatever name stands in the notebooks.
home=$(sed -n 's#^ *url: https://github.com/##p' /checkout/_config.yml | head -n 1)
find . -name '*.ipynb' -exec sed -i "s#git+https://github.com/$home#git+https://github.com/$SLUG@$COMMIT#g" {} +

failed=0
# smoke runs every line of every chapter; the setup cell of the first one installs the library. Colab's own kernel waits
# for its web page, so the plain one runs on top of the same packages.
python3 _tools/run_notebooks.py --check --minutes 15 \
  --kernel-argument=--IPKernelApp.kernel_class=ipykernel.ipkernel.IPythonKernel \
  --kernel-argument=--InteractiveShellApp.extensions=[] || failed=1

# On Colab without a GPU the profile is "quick": the setup cell has to say so.
COURSE_PROFILE= python3 - <<'PYTHON' || failed=1
from course_lib import session
assert session.start(seed=0).profile == "quick"
PYTHON

# Every package of the image: a student's sliders need Colab's own ipywidgets as much as torch.
frozen >/content/after
if moved=$(comm -23 /content/before /content/after) && [ -n "$moved" ]; then
  echo "Installing course_lib moved:" $moved
  failed=1
fi
exit $failed
