"""Reference runs of the denoising chapters, a file for each chapter; `course_lib.reference` finds them by name."""
