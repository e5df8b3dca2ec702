"""Which tests prove which row of the fault matrix in the design of operations.

Rows are proved where that is cheapest: some by tests that were there before. A row without a test
says why.
"""

from __future__ import annotations

from typing import Final

HERE: Final = "tests/faults"
PANEL: Final = f"{HERE}/test_panel_rows.py::test_row"
ANSWERS: Final = f"{HERE}/test_panel_answers.py"
CRASHES: Final = f"{HERE}/test_crashes.py"
STORM: Final = f"{HERE}/test_storm.py"
ONCE: Final = f"{HERE}/test_once.py"
INFO: Final = f"{ANSWERS}::test_info"
DOWN: Final = "tests/e2e/test_database_down.py"
CACHE: Final = "tests/cache"
HOOKS: Final = f"{HERE}/test_webhooks.py"
WEBHOOKS: Final = "tests/webhooks"

PROVED: Final[dict[str, tuple[str, ...]]] = {
    "P01": (
        f"{ANSWERS}::test_p01_a_panel_that_is_down_gets_nothing_and_then_everything_once",
        "tests/panels/test_transport.py::test_a_host_without_address_is_not_sent",
    ),
    "P02": (PANEL, INFO),
    "P03": (PANEL,),
    "P04": (PANEL,),
    "P05": (
        f"{ANSWERS}::test_p05_a_ghost_after_the_waiting_time_is_found_and_disabled",
        "tests/e2e/test_settling.py::test_a_ghost_under_a_name_in_use_is_for_a_person",
    ),
    "P06": (PANEL,),
    "P07": (PANEL, INFO),
    "P08": (PANEL, INFO),
    "P09": (PANEL,),
    "P10": (PANEL, INFO),
    "P11": (
        PANEL,
        INFO,
        "tests/panels/test_classifier.py::test_no_spoilt_body_raises_anything_else_or_becomes_a_success",
        "tests/services/test_malformed_answers.py::test_a_change_with_a_spoilt_answer_is_done_only_where_it_says_so",
    ),
    "P12": (PANEL, INFO),
    "P13": (PANEL, INFO),
    "P14": (f"{ANSWERS}::test_p14_a_panel_that_refuses_us_has_done_nothing", INFO),
    "P15": (f"{ANSWERS}::test_p15_what_another_has_on_the_panel_is_never_adopted",),
    "P16": (f"{ANSWERS}::test_p16_exists_on_a_second_call_is_our_own",),
    "P17": (
        f"{ANSWERS}::test_p17_half_a_device_is_never_a_success_by_itself",
        "tests/e2e/test_half_devices.py::test_half_a_device_is_not_adopted",
    ),
    "P18": (
        f"{ANSWERS}::test_p18_a_panel_that_says_done_and_does_nothing",
        "tests/e2e/test_settling.py::test_a_device_that_is_not_made_is_never_sent_twice",
    ),
    "P19": (f"{ANSWERS}::test_p19_other_values_than_asked_are_for_a_person",),
    "P20": (f"{ANSWERS}::test_p20_a_device_that_was_not_changed",),
    "P21": (PANEL, "tests/e2e/test_settling.py::test_a_rotation_survives_a_lost_answer"),
    "P22": (f"{ANSWERS}::test_p22_a_password_changed_elsewhere_is_out_of_sync",),
    "P24": (f"{ANSWERS}::test_p24_a_slow_panel_that_comes_and_goes_is_kept_within_its_budget",),
    **{f"K{n:02}": (f"{CRASHES}::test_a_process_that_serves_is_killed",) for n in range(1, 10)},
    "K10": (f"{HOOKS}::test_a_worker_is_killed_and_nothing_is_lost",),
    "K11": (f"{CRASHES}::test_a_worker_is_killed",),
    "K12": (
        f"{CRASHES}::test_k12_a_process_that_stood_still_sends_nothing_late",
        f"{CRASHES}::test_k12_a_worker_that_stood_still_past_its_lease_changes_nothing",
    ),
    "K13": (f"{CRASHES}::test_k13_stopping_in_order_under_load_loses_no_answer",),
    "R01": (
        f"{STORM}::test_without_redis_answers_are_the_same",
        f"{CACHE}/test_redis_faults.py::test_down_from_the_start_everything_is_absent_and_it_comes_by_itself",
        f"{CACHE}/test_redis_faults.py::test_when_it_dies_callers_get_nothing_and_no_error",
        f"{CACHE}/test_redis_faults.py::test_a_restarted_server_is_cold",
    ),
    "R02": (
        f"{STORM}::test_without_redis_answers_are_the_same",
        f"{CACHE}/test_redis_faults.py::test_a_hanging_server_costs_those_who_wait_their_bound_and_then_nobody",
    ),
    "R03": (
        f"{STORM}::test_without_redis_answers_are_the_same",
        f"{CACHE}/test_redis.py::test_after_a_flush_no_old_value_passes_for_the_present",
        "tests/e2e/test_cache.py::test_64_readers_of_one_cold_line_are_one_call",
    ),
    "R04": (f"{CACHE}/test_redis_faults.py::test_a_server_restored_from_an_old_copy_is_cold",),
    "R05": (
        f"{CACHE}/test_redis.py::test_values_swapped_between_two_keys_are_absent",
        f"{CACHE}/test_redis.py::test_every_flipped_bit_makes_a_value_absent",
        f"{CACHE}/test_redis.py::test_forged_values_are_absent",
    ),
    "R06": (
        f"{CACHE}/test_redis.py::test_out_of_memory_a_raise_still_makes_values_unusable",
        f"{CACHE}/test_redis.py::test_a_key_of_the_wrong_type_is_absent_and_repaired_by_the_next_write",
        f"{CACHE}/test_redis_faults.py::test_a_server_that_became_a_replica_is_not_used",
    ),
    "R07": (f"{CACHE}/test_cache.py::test_a_reader_that_was_slow_cannot_bring_the_old_value_back",),
    "D01": (f"{DOWN}::test_with_the_database_gone_nothing_is_sent_and_all_say_so",),
    "D02": (f"{DOWN}::test_a_database_that_dies_while_the_panel_works_is_insisted_upon",),
    "D03": (f"{DOWN}::test_a_commit_whose_answer_is_lost_is_looked_up_and_not_guessed",),
    "D05": (
        "tests/db/test_unavailable.py::test_an_empty_pool_is_unavailable_soon",
        "tests/db/test_races.py::test_a_deadlock_is_told_as_a_short_outage",
        f"{DOWN}::test_an_end_is_written_again_and_again_until_the_database_takes_it",
    ),
    "D06": (
        f"{STORM}::test_d06_a_locked_file_is_503_and_nothing_is_sent",
        f"{STORM}::test_a_storm_loses_nothing_and_doubles_nothing",
    ),
    "T01": (f"{STORM}::test_t01_waiting_times_hold_where_clocks_are_wrong",),
    "T02": (
        "tests/domain/test_periods.py::test_a_term_ends_on_the_day_that_people_expect",
        "tests/services/test_rules.py::test_a_term_ends_after_now_and_before_the_sentinel",
    ),
    "X01": (f"{ONCE}::test_x01_x02_copies_are_one_and_another_body_is_refused",),
    "X02": (
        f"{ONCE}::test_x01_x02_copies_are_one_and_another_body_is_refused",
        "tests/e2e/test_idempotency.py::test_a_key_belongs_to_the_reseller_and_not_to_its_api_key",
        "tests/e2e/test_recovery.py::test_the_workers_do_what_the_services_do",
    ),
    "X03": (f"{ONCE}::test_x03_a_name_that_two_resellers_want_is_given_once",),
    "X04": (
        f"{ONCE}::test_x04_changes_of_one_line_at_once_have_one_order",
        "tests/e2e/test_concurrency.py::test_renewals_at_once_add_up",
    ),
    "W01": (
        f"{WEBHOOKS}/test_load.py::test_nothing_is_lost_and_poison_holds_up_nobody",
        f"{WEBHOOKS}/test_answers.py::test_what_does_not_end_is_cut_off",
        f"{WEBHOOKS}/test_delivery.py::test_a_hanging_and_a_failing_endpoint_keep_nobody_waiting",
    ),
    "W02": (
        f"{WEBHOOKS}/test_canary.py::test_no_url_leads_here",
        f"{WEBHOOKS}/test_canary.py::test_no_name_leads_here",
        f"{WEBHOOKS}/test_canary.py::test_a_name_is_looked_up_once_and_that_very_address_is_used",
    ),
    "W03": (f"{HOOKS}::test_a_worker_is_killed_and_nothing_is_lost",),
    "W04": (f"{HOOKS}::test_w04_clocks_that_differ_and_a_secret_that_was_rotated",),
}

MISSING: Final = {
    "P23": "A restored backup is found by the sweep for drift, with tests of its own.",
    "X05": "The last credit: there is no ledger yet.",
}
