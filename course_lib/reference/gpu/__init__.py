"""The first minutes on a GPU: is everything right there, how fast is it, and the runs that wait for it.

``python -m course_lib.reference gpu`` (or ``make gpu``) checks the library on the device, times it, trains what is
pending at ``gpu`` scale, and writes a report. ``python -m course_lib.reference pack`` makes a folder that does all of
it on a machine that has nothing but torch, numpy and Pillow.
"""
