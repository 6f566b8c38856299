// Each rule left out, where a search without it finds what is lost.
#include "tests/model/configurations.h"

namespace skald::model {
namespace {

class Table {
  public:
    // The bounds that hold from here on.
    Bounds& bounds(int k, Bounds bounds) {
        setup_ = {};
        setup_.k = k;
        setup_.bounds = bounds;
        return setup_.bounds;
    }
    void isr(int mask) { setup_.isr = mask; }
    void fsync(bool on) { setup_.fsync = on; }
    void caught(Bug bug, const char* what) { add(bug, what, true); }
    void harmless(Bug bug, const char* what) { add(bug, what, false); }
    [[nodiscard]] std::vector<Seeded> all() const { return all_; }

  private:
    void add(Bug bug, const char* what, bool caught) {
        Setup setup = setup_;
        setup.name = what;
        setup.bugs = Bugs{bug};
        all_.push_back({what, setup, caught});
    }
    Setup setup_;
    std::vector<Seeded> all_;
};

void add_log_bugs(Table& table) {
    table.bounds(0, {});
    table.caught(Bug::truncate_to_hw, "truncate to HW");
    table.caught(Bug::hw_off_by_one, "HW off by one");
    table.bounds(0, {.messages = 1, .merges = true});
    table.caught(Bug::merge_above_hw, "merge above HW");
    table.bounds(0, {.crashes = 1, .lazy_sync = true});
    table.caught(Bug::ack_before_fsync, "ack before fsync");
    table.fsync(false);
    table.caught(Bug::unclean_eligible, "eligible after unclean restart");
    table.bounds(0, {.messages = 1, .crashes = 1, .members = true, .lazy_sync = true});
    table.caught(Bug::late_fetch_counted, "late fetch counted");
    table.bounds(2, {.crashes = 1, .lazy_sync = true});
    table.caught(Bug::restarted_serves, "restarted primary serves");
    table.bounds(2, {.epochs = 3, .messages = 1});
    table.harmless(Bug::single_step_truncation, "single-step truncation");
    table.harmless(Bug::commit_prior_epoch, "prior epoch by counting");
}

void add_failover_bugs(Table& table) {
    table.bounds(2, {});
    table.caught(Bug::no_epoch_check, "no epoch check");
    table.caught(Bug::promise_skipped, "promise skipped");
    table.caught(Bug::election_too_small, "C + E = n");
    table.caught(Bug::activate_all_responders, "activate all responders");
    table.bounds(0, {.crashes = 1});
    table.caught(Bug::promise_not_persisted, "promise not persisted");
    table.bounds(2, {.events = 2, .epochs = 3, .log = 3, .messages = 1});
    table.caught(Bug::winner_by_length, "winner by length");
    table.bounds(0, {.messages = 1, .crashes = 1, .wipes = 1, .members = true});
    table.isr(3);
    table.caught(Bug::fence_unproven, "FENCE answered by a new disk");
    table.bounds(2, {.messages = 1, .crashes = 1, .lazy_sync = true});
    table.caught(Bug::restart_same_epoch, "restarted in its epoch");
    table.bounds(2, {.messages = 1, .crashes = 1, .members = true});
    table.caught(Bug::restart_same_epoch, "restarted in its epoch, synced");
    table.bounds(0, {.messages = 1, .crashes = 1, .members = true});
    table.isr(3);
    table.caught(Bug::read_epoch_not_persisted, "epoch read, not persisted");
    table.bounds(2, {.messages = 1, .crashes = 1});
    table.caught(Bug::choose_again, "a second choice");
    table.harmless(Bug::hw_unchecked, "HW without its records");
}

void add_member_bugs(Table& table) {
    table.bounds(2, {.messages = 1, .members = true});
    table.caught(Bug::no_wait_in_shrink, "no wait in shrink");
    table.caught(Bug::proposed_set_only, "HW by the proposed set");
    table.caught(Bug::stored_set_only, "HW by the stored set");
    table.caught(Bug::reread_is_answer, "unknown CAS taken for failed");
    table.bounds(0, {.messages = 1, .members = true});
    table.harmless(Bug::no_wait_in_shrink, "no wait in shrink, sync");
    table.bounds(0, {.messages = 1, .crashes = 1, .wipes = 1, .members = true});
    table.isr(3);
    table.caught(Bug::join_by_registry, "join by the registry's disk");
    table.caught(Bug::join_at_known_hw, "join at the HW known");
}

void add_client_bugs(Table& table) {
    table.bounds(0, {.events = 3, .messages = 1});
    table.caught(Bug::reject_uncommitted, "refusal rests on uncommitted");
    table.caught(Bug::gap_is_rejected, "gap is rejected");
    table.caught(Bug::fenced_before_repeat, "fenced before repeat");
    table.caught(Bug::producer_not_fenced, "producer not fenced");
    table.bounds(0, {.messages = 1, .crashes = 1, .primary_acks = true});
    table.caught(Bug::primary_receipt_final, "ack: primary taken for final");
    table.bounds(0, {.messages = 1, .reads = 1});
    table.caught(Bug::read_unconfirmed, "read unconfirmed");
    table.caught(Bug::read_before_barrier, "read before the barrier");
}

}  // namespace

std::vector<Seeded> seeded_bugs() {
    Table table;
    add_log_bugs(table);
    add_failover_bugs(table);
    add_member_bugs(table);
    add_client_bugs(table);
    return table.all();
}

}  // namespace skald::model
