#include "skald/cqrs/inline_projection.h"

#include "tests/cqrs/follower.h"
#include "tests/cqrs/inline_ledger.h"

namespace skald::cqrs {

TEST_CASE("inline projection: an append that returned is in the rows", "[cqrs]") {
    InlineLedger ledger(GENERATE(std::uint16_t{1}, std::uint16_t{16}));
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    for (int i = 1; i <= 50; ++i) {
        const auto receipt = ledger.append("a-1", deposited(2));
        REQUIRE(receipt);
        CHECK(ledger.balance("a-1") ==
              Balance{"a-1", "ann", 2 * i, static_cast<std::uint64_t>(i), {}});
        // Nobody waits.
        const auto page = View<Balance>(ledger.model->model())
                              .where(&Balance::owner, "ann")
                              .at_least(receipt->position, 0ms)
                              .page();
        REQUIRE(page);
        CHECK(page->rows.size() == 1);
    }
    // What it does not handle is behind it as well.
    NewEvent other;
    other.type = "Audited";
    const auto receipt = ledger.append("b-1", other);
    REQUIRE(receipt);
    CHECK(ledger.model->model().wait_for(receipt->position, 0ms).reached());
    CHECK(compare(ledger.status().position, *ledger.store->position()) == Order::equal);
    CHECK(ledger.status().state == ModelState::running);
    CHECK(ledger.status().events == 51);
    CHECK(ledger.is_recount());
}

TEST_CASE("inline projection: a handler that throws refuses its request alone", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    const auto receipts = ledger.append_together({
        Append::one("a-1", deposited(100), Expected::exact(0)),
        Append::many("a-1", {deposited(50), withdrawn(13), deposited(1)}, Expected::exact(1)),
        Append::one("a-1", withdrawn(30), Expected::exact(1)),
    });
    REQUIRE(receipts[0]);
    REQUIRE_FALSE(receipts[1]);
    REQUIRE(receipts[2]);
    CHECK(receipts[1].error().code == Errc::handler_failed);
    CHECK(receipts[1].error().message ==
          "inline projection balances refuses: stream a-1 version 3: event Withdrawn (schema "
          "version 0): the handler failed: thirteen");
    CHECK(receipts[2]->offset == receipts[0]->offset + 1);
    const auto events = ledger.store->read({Selection::stream("a-1")});
    REQUIRE(events);
    REQUIRE(events->events.size() == 3);
    CHECK(events->events[1].recorded_at == events->events[2].recorded_at);  // one commit
    CHECK(ledger.balance("a-1") == Balance{"a-1", "ann", 70, 2, {}});
    CHECK(ledger.status().events == 3);
    // A stream that never came to be is none.
    CHECK_FALSE(ledger.append("a-2", withdrawn(13), Expected::no_stream()));
    CHECK(ledger.store->stream_info("a-2").value().state == skald::StreamState::none);
    CHECK(ledger.append("a-2", opened("bob"), Expected::no_stream()));
    CHECK(ledger.append("a-1", withdrawn(12), Expected::exact(2)));
    CHECK(ledger.is_recount());
}

TEST_CASE("inline projection: an event that does not decode is refused", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    NewEvent event = deposited(1);
    event.data = R"({"cents":"ten"})";
    const auto refused = ledger.append("a-1", event);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::malformed);
    CHECK_THAT(refused.error().message, Catch::Contains("stream a-1 version 0: event Deposited") &&
                                            Catch::Contains("field cents"));
    CHECK(ledger.log_end() == 0);
}

TEST_CASE("inline projection: a second of a unique value is refused", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    for (const std::string id : {"a-1", "a-2", "a-3"}) {
        REQUIRE(ledger.append(id, opened("ann")));
    }
    auto receipts = ledger.append_together({
        Append::one("a-1", deposited(1, "rent")),
        Append::one("a-2", deposited(2, "rent")),  // taken in this very commit
        Append::many("a-2", {deposited(3, "food"), withdrawn(13)}),
        Append::one("a-3", deposited(4, "food")),  // what was refused holds nothing
    });
    CHECK(receipts[0]);
    REQUIRE_FALSE(receipts[1]);
    CHECK(receipts[1].error().code == Errc::already_exists);
    CHECK_THAT(receipts[1].error().message, Catch::Contains("stream a-2 version 1") &&
                                                Catch::Contains("the same note, which is unique"));
    CHECK_FALSE(receipts[2]);
    CHECK(receipts[3]);
    CHECK(ledger.append("a-2", deposited(2, "rent")).error().code == Errc::already_exists);
    CHECK(ledger.append("a-1", deposited(1, "fuel")));  // lets go of `rent`
    CHECK(ledger.append("a-2", deposited(2, "rent")));
    CHECK(ledger.is_recount());
}

TEST_CASE("inline projection: a refused producer's request stays refused", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    Append request = Append::one("a-1", withdrawn(13));
    request.producer = Producer{Uuid{{1}}, Epoch{1}, 0, 0};
    CHECK(ledger.store->append(request).error().code == Errc::handler_failed);
    CHECK(ledger.store->append(request).error().code == Errc::already_rejected);
    request.streams[0].events = {deposited(5)};
    request.producer->sequence = 1;
    CHECK(ledger.store->append(request));
    CHECK(ledger.store->append(request)->repeated);
    CHECK(ledger.balance("a-1")->cents == 5);
}

TEST_CASE("inline projection: an append of several streams is one", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("a-2", opened("bob")));
    const auto transfer = [&](std::int64_t cents) {
        Append append;
        append.streams.push_back({"a-2", Expected::any(), {deposited(cents)}});
        append.streams.push_back({"a-1", Expected::any(), {withdrawn(cents)}});
        return ledger.store->append(append);
    };
    REQUIRE(transfer(20));
    const auto refused = transfer(13);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("stream a-1 version 2: event Withdrawn"));
    CHECK(ledger.balance("a-1")->cents == -20);
    CHECK(ledger.balance("a-2")->cents == 20);
    CHECK(ledger.log_end() == 4);
}

TEST_CASE("inline projection: one that refuses is undone in the others", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    Projection<Balance> picky("picky", 1, balance_rows());
    picky.on<Deposited>([](Rows<Balance>& rows, const Deposited& deposited, const EventView& at) {
        rows.change_or({std::string(at.stream), "", 0, 0, {}},
                       [&](Balance& balance) { balance.cents += deposited.cents; });
        if (deposited.cents > 100) {
            throw std::runtime_error("too much");
        }
    });
    auto second = InlineProjection::attach(*ledger.store, picky.build());
    REQUIRE(second);
    REQUIRE(ledger.append("a-1", opened("ann")));
    auto receipts = ledger.append_together({Append::one("a-1", deposited(1)),
                                            Append::one("a-1", deposited(500, "rent")),
                                            Append::one("a-1", deposited(2))});
    CHECK(receipts[0]);
    CHECK_THAT(receipts[1].error().message,
               Catch::Contains("inline projection picky refuses") && Catch::Contains("too much"));
    CHECK(receipts[2]);
    CHECK(ledger.balance("a-1") == Balance{"a-1", "ann", 3, 2, {}});
    CHECK(View<Balance>((*second)->model()).get("a-1").value()->cents == 3);
    second->reset();
    CHECK(ledger.append("a-1", deposited(500)));
    CHECK(ledger.is_recount());
}

TEST_CASE("inline projection: handles what it selects", "[cqrs]") {
    InlineLedger ledger;
    const auto projection = balances().from(Selection::category("a")).build();
    ledger.attach(projection);
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("b-1", opened("bob")));
    REQUIRE(ledger.append("b-1", withdrawn(13)));
    CHECK(ledger.balance("a-1"));
    CHECK_FALSE(ledger.balance("b-1"));
    CHECK(ledger.is_recount(projection));
}

TEST_CASE("inline projection: effects follow the commit, once, of what was written", "[cqrs]") {
    InlineLedger ledger;
    std::vector<std::int64_t> told;
    Projection<Balance> telling("telling", 1, balance_rows());
    telling.on<Deposited>([&](Rows<Balance>& rows, const Deposited& deposited, const EventView&) {
        rows.effect([&told, cents = deposited.cents] { told.push_back(cents); });
        if (deposited.cents == 13) {
            throw std::runtime_error("thirteen");
        }
    });
    REQUIRE(ledger.append("a-1", deposited(1)));
    ledger.attach(telling.build());
    REQUIRE(ledger.append("a-1", deposited(2)));
    CHECK(told == std::vector<std::int64_t>{2});
    (void)ledger.append_together({Append::one("a-1", deposited(3)),
                                  Append::many("a-1", {deposited(4), deposited(13)}),
                                  Append::one("a-1", deposited(5))});
    CHECK(told == std::vector<std::int64_t>{2, 3, 5});
}

TEST_CASE("inline projection: live queries follow it", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    Follower follower;
    auto live = ledger.model->model().live({}, follower);
    REQUIRE(live);
    REQUIRE(ledger.append("a-1", deposited(5)));
    CHECK_FALSE(ledger.append("a-1", withdrawn(13)));
    REQUIRE(ledger.append("a-1", deposited(2)));
    const auto rows = ledger.model->model().query({});
    REQUIRE(rows);
    CHECK(follower.wait_for_rows({rows->rows[0]}));
    (*live)->close();
    CHECK(follower.faults().empty());
    for (const auto& state : follower.states()) {
        REQUIRE(state.rows.size() == 1);
        CHECK_THAT(*state.rows.begin(), !Catch::Contains("-"
                                                         "13"));
    }
}

TEST_CASE("inline projection: lifecycle changes go through and leave the rows", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("a-1", deposited(5)));
    const auto change = [&](const LifecycleChange& what) {
        Lifecycle request;
        request.stream = "a-1";
        request.change = what;
        return ledger.store->change_stream(request);
    };
    REQUIRE(change(TruncateStream{Version{1}}));
    REQUIRE(change(EraseEvent{Version{1}}));
    CHECK(ledger.balance("a-1")->cents == 5);
    REQUIRE(ledger.append("a-1", deposited(2), Expected::exact(1)));
    CHECK(ledger.balance("a-1")->cents == 7);
    REQUIRE(change(DeleteStream{true}));
    CHECK(ledger.append("a-1", deposited(1)).error().code == Errc::stream_tombstoned);
    CHECK(ledger.balance("a-1")->cents == 7);
    CHECK(ledger.model->model().wait_for(*ledger.store->position(), 0ms).reached());
}

}  // namespace skald::cqrs
