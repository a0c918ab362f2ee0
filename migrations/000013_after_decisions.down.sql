drop view launch_acts;
drop table outside_verdicts, outside_decisions, emergency_revocations, emergency_decisions, revocations, checkpoints, signing_keys;
drop function guard_four_eyes_after;
