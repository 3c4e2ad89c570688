"""Reference runs of denoising without clean targets, a file for each chapter."""
