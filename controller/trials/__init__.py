"""The hall as something to try things on: a past or made-up day played again under other rules.

day.py: what comes to a hall on one day. past.py: such a day read from the log. made_up.py: one drawn by
chance. variant.py: what is to be different. play.py: the day played through the hall's own engine.
compare.py: what the difference is, and how sure that is. work.py does it all in a process of its own,
shelf.py keeps what came of it.
"""
