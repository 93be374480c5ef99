"""Every reason the hall gives for saying no, in one table that translations and tests go through.

A fact called `state` is the value of a TicketState, WindowState, DayState or AppointmentState; others are
names, numbers and texts that need no translation.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.hall.model import Refused

REFUSALS: Mapping[str, str] = {
    # the day and the plan
    "day_closed": "the hall is closed: no service day is open",
    "day_open": "the service day {date} is still {state}",
    "day_past": "the service day {date} comes before {last}, the last one",
    "issuing_stopped": "no more tickets are given out on {date}",
    "closes_too_early": "closing time {closes_at} has passed already",
    "plan_twice_domain": "calling domain {name} is there {count} times",
    "plan_twice_department": "department {name} is there {count} times",
    "plan_twice_zone": "zone {name} is there {count} times",
    "plan_twice_queue": "queue {name} is there {count} times",
    "plan_twice_window": "window {name} is there {count} times",
    "plan_twice_clerk": "clerk {name} is there {count} times",
    "plan_twice_reason": "reason {name} is there {count} times",
    "plan_queue_code": "a queue cannot be called '{queue}'",
    "plan_queue_domain": "queue {queue} names calling domain {domain}, which is not there",
    "plan_queue_zone": "queue {queue} names zone {zone}, which is not there",
    "plan_queue_department": "queue {queue} names department {department}, which is not there",
    "plan_queue_mean": "the services of queue {queue} take longer than nothing",
    "plan_queue_quota": "queue {queue} gives out one ticket a day at least, or has no limit",
    "plan_window_zone": "window {window} names zone {zone}, which is not there",
    "plan_window_queue": "window {window} serves queue {queue}, which is not there",
    "plan_window_department": "window {window} names department {department}, which is not there",
    "plan_clerk_department": "{clerk} is of department {department}, which is not there",
    "plan_hours": "the hours of the hall must follow one another, each ending after it begins",
    "queue_in_use": "queue {queue} still has active tickets, such as {number}",
    "window_in_use": "window {window} is {state} and cannot be taken out of the plan",
    "clerk_in_use": "{clerk} is logged in at window {window}",
    "plan_queue_places": "queue {queue} takes no bookings or some, not fewer than none",
    "queue_booked": "queue {queue} has appointments, such as one on {day}",
    # appointments
    "unknown_appointment": "there is no such appointment",
    "slot_over": "this time is over",
    "slot_too_soon": "an appointment is booked at least {days} working days ahead",
    "slot_too_far": "an appointment is booked at most {days} working days ahead",
    "slot_full": "no place is left at this time",
    "slot_closed": "the hall takes no bookings at this time",
    "not_bookable": "nothing can be booked in queue {queue}",
    "person_needed": "an appointment needs somebody who comes",
    "booked_already": "this person has booked this matter for {day}",
    "booking_blocked": "after {absences} missed appointments this person can book again on {day}",
    "code_taken": "this code is given out already",
    "wish_needed": "a special appointment needs a reason",
    "not_requested": "the appointment is {state}, not waiting for a decision",
    "not_confirmed": "the appointment is {state}",
    "move_too_late": "an appointment is moved at least {minutes} minutes before it begins",
    "check_in_early": "check in from {opens} on",
    "check_in_late": "the appointment was at {start}; an ordinary ticket is needed now",
    "check_in_day": "the appointment is for {day}",
    "bad_span": "a span ends after it begins and is not over",
    "unknown_closure": "this closing is no longer there",
    # the calendar
    "calendar_unknown": "the holidays of {year} are not published yet: no deadline can be promised there",
    "calendar_too_far": "working days are counted up to {most} days",
    # names nobody knows
    "unknown_queue": "there is no queue {queue}",
    "unknown_window": "there is no window {window}",
    "unknown_clerk": "there is no clerk {clerk}",
    "unknown_ticket": "there is no ticket {ticket} today",
    # taking a ticket
    "not_served": "no window serves queue {queue}",
    "quota_reached": "queue {queue} has given out its {quota} tickets for today",
    "already_waiting": "this person already has an active ticket in queue {queue}",
    "slot_needed": "an appointment ticket needs the time of its appointment",
    "bad_cases": "a ticket holds at least one case, not {cases}",
    "not_bulk": "queue {queue} takes one case a ticket, not {cases}",
    "bad_lease": "a lease has 1 to {most} numbers, not {size}",
    "offline_day_over": "number {number} belongs to {day}, not to the service day {date}",
    # a ticket and its state
    "not_waiting": "{number} is {state}, not waiting",
    "not_missed": "{number} is {state}, not missed",
    "not_held": "{number} is {state}, not on hold",
    "not_completed": "{number} is {state}, not completed",
    "not_cancellable": "{number} is {state}: only a waiting or missed ticket can be cancelled",
    "not_transferable": "{number} is {state}: only a ticket at a window can be transferred",
    "return_too_late": "{number} was missed more than {minutes} minutes ago and cannot return",
    "return_used_up": "{number} was missed {misses} times and cannot return again",
    "nobody_behind": "nobody waits behind {number}",
    "bad_rating": "a rating goes from 1 to 5, not {level}",
    "already_rated": "{number} has been rated already",
    "not_finished": "{number} is {state}: only a finished service can be rated",
    "rating_too_late": "the time to rate {number} is over",
    # what follows a bad rating
    "rated_clerk": "whoever was rated has no part in what follows of {number}",
    "not_this_step": "{number} is not at this step",
    "not_your_part": "this step of {number} is not yours",
    "must_call": "the visitor of {number} left a phone number and is called back",
    "no_contact": "the visitor of {number} left no phone number",
    "appeal_too_late": "the time to appeal against the rating of {number} is over",
    "extended_before": "{number} stands on the ledger already",
    "bad_extension": "the limit is {least} to {most} working days",
    "own_work": "who answered for {number} does not review it",
    "call_back_needed": "nobody has called the visitor of {number} about what was done",
    "words_needed": "say in words what was done, and why",
    # at a window
    "window_closed": "window {window} is closed: nobody is logged in",
    "window_paused": "window {window} is paused",
    "window_not_paused": "window {window} is {state}, not paused",
    "window_offline": "window {window} has lost its connection",
    "window_serving": "window {window} is still serving {number}",
    "window_has_called": "window {window} has called {number} and waits for it",
    "window_holds": "window {window} still holds {numbers}",
    "window_taken": "window {window} is taken by {clerk}",
    "clerk_elsewhere": "{clerk} is logged in at window {window}",
    "bad_pause": "a pause must have a length",
    "no_break": "window {window} has no break to come",
    "bad_shifts": "the shifts of window {window} must follow one another, each ending after it begins",
    "nobody_waiting": "nobody waits for window {window}",
    "nobody_called": "nobody is called to window {window}",
    "nobody_served": "nobody is served at window {window}",
    "recall_too_soon": "{number} was called less than {seconds} seconds ago",
    "no_show_too_soon": "{number} was called {calls} times only: calling it a no-show needs a reason",
    "reason_needed": "a reason is needed",
    "held_full": "window {window} already holds {most} tickets",
    "held_elsewhere": "{number} is on hold at window {window}, which is staffed",
    "one_target": "a transfer names either a queue or a window",
    "same_queue": "{number} is in queue {queue} already",
    "same_window": "window {window} cannot hand a ticket to itself",
    "reopen_too_late": "{number} was finished more than {minutes} minutes ago and cannot be reopened",
    "reopen_elsewhere": "{number} was served at window {window} and can only be reopened there",
}


def refuse(code: str, **facts: object) -> Refused:
    """The refusal to raise. `code` is a key of REFUSALS, `facts` what its sentence mentions."""
    return Refused(code, REFUSALS[code].format(**facts), **facts)
