// Live queries against fresh ones: whatever is committed, emptied, promoted and rolled back, and
// however little their buffers hold, every state they pass is what a query gave there.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <deque>

#include "cqrs/limits.h"
#include "tests/cqrs/follower.h"
#include "tests/cqrs/live_reach.h"
#include "tests/cqrs/shelf.h"

namespace skald::cqrs {
namespace {

const std::vector<RowQuery>& queries() {
    static const std::vector<RowQuery> all = {
        {},
        {.where = {{"id", key_of(std::uint64_t{3})}}},
        {.from = RowQuery::Bound{key_of(std::uint64_t{4}), true},
         .to = RowQuery::Bound{key_of(std::uint64_t{8}), false}},
        {.where = {{"group", key_of(std::int64_t{1})}}},
        {.order = "group",
         .from = RowQuery::Bound{key_of(std::int64_t{-1}), false},
         .descending = true},
        {.where = {{"group", key_of(std::int64_t{0})}},
         .order = "text",
         .to = RowQuery::Bound{key_of("x"), true}},
        {.order = "only"},
        {.order = "only", .from = RowQuery::Bound{key_of("1"), true}},
        {.where = {{"only", key_of("2")}}},
    };
    return all;
}

struct Step {
    enum class Kind : std::uint8_t { put, erase, commit, follow, close, empty, promote, roll_back };
    Kind kind;
    Item item;
    std::uint32_t version = 1;
    std::size_t query = 0;
    std::size_t buffered = 1;
};

struct Followed {
    std::size_t query = 0;
    std::uint32_t version = 0;
    Follower follower;
    std::unique_ptr<LiveQuery> live;
};

class Run {
  public:
    explicit Run(LiveReach& reach) : reach_(reach) {
        shelf_.add_version(2);
        commit(1);
        commit(2);
        reach_.lead_to(shelf_.model());
    }

    void take(const Step& step) {
        switch (step.kind) {
            case Step::Kind::put:
                shelf_.put(step.item, step.version);
                break;
            case Step::Kind::erase:
                shelf_.erase(step.item.id, step.version);
                break;
            case Step::Kind::commit:
                commit(step.version);
                break;
            case Step::Kind::follow:
                follow(step);
                break;
            case Step::Kind::close:
                if (!followed_.empty()) {
                    followed_[step.query % followed_.size()].live.reset();
                }
                break;
            case Step::Kind::empty:
                shelf_.empty(step.version);
                commit(step.version);
                break;
            case Step::Kind::promote:
                (void)shelf_.model().promote(step.version, std::chrono::milliseconds(0));
                break;
            case Step::Kind::roll_back:
                (void)shelf_.model().roll_back();
                break;
        }
    }

    void finish() {
        for (Followed& each : followed_) {
            if (each.live) {
                const RowQuery& query = queries()[each.query];
                RC_ASSERT(each.follower.wait_for_rows(shelf_.rows(query, each.version)));
            }
            each.live.reset();
            RC_ASSERT(each.follower.faults() == std::vector<std::string>());
            std::uint64_t before = 0;
            std::uint32_t version = 0;
            for (const Follower::State& state : each.follower.states()) {
                const std::uint64_t offset = offset_of(state.position);
                const auto expected = expected_.find({state.version, offset});
                RC_ASSERT(expected != expected_.end());
                RC_ASSERT(state.rows == expected->second[each.query]);
                RC_ASSERT(state.version != version || offset >= before);
                before = offset;
                version = state.version;
            }
        }
    }

  private:
    void commit(std::uint32_t version) {
        // Those who follow meet it before it can be asked about.
        shelf_.commit(version);
        auto& expected = expected_[{version, shelf_.offset()}];
        for (const RowQuery& query : queries()) {
            expected.push_back(shelf_.rows(query, version));
        }
    }
    void follow(const Step& step) {
        Followed& followed = followed_.emplace_back();
        followed.query = step.query % queries().size();
        followed.version = step.item.id % 3 == 0 ? step.version : 0;
        RowQuery query = queries()[followed.query];
        query.version = followed.version;
        auto live = reach_.live(query, followed.follower, {step.buffered});
        RC_ASSERT(live);
        followed.live = std::move(*live);
    }

    LiveReach& reach_;
    Shelf shelf_;
    std::deque<Followed> followed_;
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<std::set<std::string>>> expected_;
};

rc::Gen<Step> any_step() {
    using rc::gen::inRange;
    const auto item = rc::gen::apply(
        [](std::uint64_t id, std::int64_t group, int text, int only) {
            return Item{id, group, std::string(static_cast<std::size_t>(text), 'x'),
                        only < 4 ? std::optional(std::to_string(only)) : std::nullopt};
        },
        inRange<std::uint64_t>(0, 12), inRange<std::int64_t>(-2, 3), inRange(0, 3), inRange(0, 8));
    const auto kind = rc::gen::weightedElement<Step::Kind>({{12, Step::Kind::put},
                                                            {4, Step::Kind::erase},
                                                            {6, Step::Kind::commit},
                                                            {3, Step::Kind::follow},
                                                            {1, Step::Kind::close},
                                                            {1, Step::Kind::empty},
                                                            {1, Step::Kind::promote},
                                                            {1, Step::Kind::roll_back}});
    return rc::gen::construct<Step>(
        kind, item, rc::gen::weightedElement<std::uint32_t>({{3, 1U}, {1, 2U}}),
        inRange<std::size_t>(0, 9), rc::gen::element<std::size_t>(1, 3, limits::kLiveChangesMax));
}

}  // namespace

TEST_CASE("live query: every state is what a query gave there", "[cqrs][model]") {
    LiveReach reach(
        GENERATE(values<std::string>({"in process", "over a node", "over a bad line"})));
    CHECK(rc::check([&reach] {
        const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
        Run run(reach);
        for (const Step& step : steps) {
            run.take(step);
        }
        run.finish();
    }));
}

}  // namespace skald::cqrs
