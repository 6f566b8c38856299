// Inline projections against a fold of the log, whatever came in which commits.
#include <rapidcheck.h>

#include "tests/cqrs/inline_ledger.h"

namespace skald::cqrs {
namespace {

// Few accounts and notes, so that many appends meet each other's rows.
Append random_append() {
    Append append;
    const int streams = *rc::gen::inRange(1, 3);
    for (int s = 0; s < streams; ++s) {
        StreamAppend one;
        one.stream = "a-" + std::to_string(s) + std::to_string(*rc::gen::inRange(0, 3));
        const int events = *rc::gen::inRange(1, 4);
        for (int i = 0; i < events; ++i) {
            const int kind = *rc::gen::inRange(0, 10);
            const std::string note(1, static_cast<char>('p' + *rc::gen::inRange(0, 4)));
            one.events.push_back(kind < 3   ? opened(note)
                                 : kind < 6 ? deposited(kind)
                                 : kind < 8 ? deposited(kind, note)
                                 : kind < 9 ? withdrawn(kind)
                                            : withdrawn(13));
        }
        append.streams.push_back(std::move(one));
    }
    return append;
}

}  // namespace

TEST_CASE("inline model: the rows are those of the events that were written", "[cqrs][model]") {
    CHECK(rc::check([] {
        InlineLedger ledger;
        ledger.attach();
        std::uint64_t written = 0;
        const int rounds = *rc::gen::inRange(1, 8);
        for (int round = 0; round < rounds; ++round) {
            std::vector<Append> appends;
            for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
                appends.push_back(random_append());
            }
            const auto receipts = ledger.append_together(appends);
            ++written;  // the gate's
            for (std::size_t i = 0; i < appends.size(); ++i) {
                if (!receipts[i]) {
                    RC_ASSERT(receipts[i].error().code == Errc::handler_failed ||
                              receipts[i].error().code == Errc::already_exists);
                    continue;
                }
                for (const StreamAppend& stream : appends[i].streams) {
                    written += stream.events.size();
                }
            }
            RC_ASSERT(ledger.log_end() == written);
            RC_ASSERT(ledger.is_recount());
            if (*rc::gen::inRange(0, 3) == 0) {
                ledger.open();
                ledger.attach();
                RC_ASSERT(ledger.is_recount());
            }
        }
    }));
}

}  // namespace skald::cqrs
