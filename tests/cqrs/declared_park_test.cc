// Parked events of declared projections: whatever fails when, and is replayed in whatever order, a
// row is what its events make of it, up to the first of them that is parked.
#include <rapidcheck.h>

#include <map>
#include <mutex>
#include <set>

#include "tests/cqrs/declared_fixture.h"

namespace skald::cqrs {
namespace {

using Rows = std::vector<std::string>;

// An event of one row, of two, or of none that it could tell.
const char* const kMoves = R"(
name = "moves"
key = ["id", "kind"]
poison = "park"
[columns]
id = "text"
kind = "text"
seen = "json"
[[on]]
type = "Moved"
key = { id = "data.to", kind = { value = "b,c" } }
append = { seen = "version" }
[[on]]
type = "Moved"
when = { exists = "data.from" }
key = { id = "data.from", kind = { value = "b,c" } }
append = { seen = "version" }
)";

struct Step {
    enum class Kind : std::uint8_t { event, sick_event, lost_event, heal, replay };
    Kind kind = Kind::event;
    unsigned to = 0;
    unsigned from = 0;  // 3: from nowhere
};

std::string id_of(unsigned row) {
    return std::string(1, static_cast<char>('a' + row));
}

void showValue(const Step& step, std::ostream& out) {
    const char* const names[] = {"event", "sick event", "lost event", "heal", "replay"};
    out << names[static_cast<int>(step.kind)] << ' ' << step.to << ' ' << step.from << '\n';
}

class Run {
  public:
    Run() : moves_(kMoves) {
        auto apply = moves_.declaration.projection.apply;
        moves_.declaration.projection.apply = [this, apply](RowChanges& changes,
                                                            const EventView& event) {
            auto ok = apply(changes, event);
            const std::scoped_lock lock(mutex_);
            return ok && sick_.count(event.version.value) > 0
                       ? Error(Errc::invalid_event, "not now")
                       : ok;
        };
        project();
    }

    void take(const Step& step) {
        switch (step.kind) {
            case Step::Kind::heal:
                heal(step.to + 3 * step.from);
                break;
            case Step::Kind::replay:
                (void)moves_.projector->replay_parked(id_of(step.to) + ",\"b,c\"");
                break;
            default:
                append(step);
        }
        project();
        check();
    }

    // Healthy events are all projected in the end.
    void end() {
        sick_.clear();
        for (std::size_t i = 0; i < events_.size(); ++i) {
            for (unsigned row = 0; row < 3; ++row) {
                (void)moves_.projector->replay_parked(id_of(row) + ",\"b,c\"");
            }
        }
        check();
        for (const std::uint64_t version : parked()) {
            RC_ASSERT(events_[version].empty());
        }
    }

  private:
    void project() {
        const bool done = moves_.project();
        RC_ASSERT(done);
    }
    void append(const Step& step) {
        const std::uint64_t version = events_.size();
        auto& rows = events_.emplace_back();
        std::string data = "{}";
        if (step.kind != Step::Kind::lost_event) {
            rows.push_back(step.to);
            data = R"({"to":")" + id_of(step.to) + '"';
            if (step.from < 3) {
                rows.push_back(step.from);
                data += R"(,"from":")" + id_of(step.from) + '"';
            }
            data += '}';
        }
        if (step.kind == Step::Kind::sick_event) {
            const std::scoped_lock lock(mutex_);
            sick_.insert(version);
        }
        moves_.append("s-1", "Moved", data);
    }
    void heal(unsigned choice) {
        const std::scoped_lock lock(mutex_);
        if (!sick_.empty()) {
            sick_.erase(std::next(sick_.begin(), choice % sick_.size()));
        }
    }
    std::set<std::uint64_t> parked() {
        std::set<std::uint64_t> versions;
        const auto listed = moves_.projector->parked();
        RC_ASSERT(static_cast<bool>(listed));
        for (const ParkedEvent& event : *listed) {
            versions.insert(event.version.value);
        }
        return versions;
    }
    std::string recount(unsigned row, const std::set<std::uint64_t>& parked) const {
        std::string seen;
        for (std::uint64_t version = 0; version < events_.size(); ++version) {
            for (const unsigned touched : events_[version]) {
                if (touched == row && parked.count(version) > 0) {
                    return seen;
                }
                if (touched == row) {
                    seen += (seen.empty() ? "" : ",") + std::to_string(version);
                }
            }
        }
        return seen;
    }
    void check() {
        const auto aside = parked();
        Rows wanted;
        for (unsigned row = 0; row < 3; ++row) {
            if (const std::string seen = recount(row, aside); !seen.empty()) {
                wanted.push_back(R"({"id":")" + id_of(row) + R"(","kind":"b,c","seen":[)" + seen +
                                 "]}");
            }
        }
        RC_ASSERT(moves_.rows() == wanted);
    }

    std::mutex mutex_;
    std::set<std::uint64_t> sick_;
    std::vector<std::vector<unsigned>> events_;  // the rows of each
    Declared moves_;
};

}  // namespace

TEST_CASE("declared: parked events are passed by none of their rows", "[cqrs][model]") {
    CHECK(rc::check([] {
        using Kind = Step::Kind;
        const auto steps = *rc::gen::container<std::vector<Step>>(rc::gen::build<Step>(
            rc::gen::set(&Step::kind, rc::gen::element(Kind::event, Kind::event, Kind::sick_event,
                                                       Kind::lost_event, Kind::heal, Kind::replay)),
            rc::gen::set(&Step::to, rc::gen::inRange(0U, 3U)),
            rc::gen::set(&Step::from, rc::gen::inRange(0U, 4U))));
        Run run;
        for (const Step& step : steps) {
            run.take(step);
        }
        run.end();
    }));
}

TEST_CASE("declared: an event is parked under its rows' keys, told apart from each other",
          "[cqrs]") {
    Declared parked(R"(
name = "m"
key = ["a", "b"]
poison = "park"
[columns]
a = "text"
b = "text"
n = "integer"
[[on]]
type = "T"
key = { a = "data.a", b = "data.b" }
add = { n = "data.n" }
)");
    const std::string poison = R"(,"n":"x"})";
    parked.append("s-1", "T", R"({"a":"a,b","b":"c")" + poison);
    parked.append("s-1", "T", R"({"a":"a","b":"b,c","n":1})");
    parked.append("s-1", "T", R"({"a":"","b":"null")" + poison);
    parked.append("s-1", "T", R"({"a":"stream:s-1","b":"\"")" + poison);
    parked.append("s-1", "T", "{}");
    REQUIRE(parked.project());
    CHECK(parked.rows() == Rows{R"({"a":"a","b":"b,c","n":1})"});
    Rows keys;
    const auto events = parked.projector->parked();
    REQUIRE(events);
    for (const ParkedEvent& event : *events) {
        keys.push_back(event.key);
    }
    std::sort(keys.begin(), keys.end());
    CHECK(keys == Rows{R"("","null")", R"("a,b",c)", R"("stream:s-1","\"")", "stream:s-1"});
}

TEST_CASE("declared: text that is cut stays text", "[cqrs]") {
    Declared parked(R"(
name = "m"
key = "id"
poison = "park"
[columns]
id = "text"
n = "integer"
[[on]]
type = "T"
key = "data.id"
add = { n = "data.n" }
)");
    std::string wide;
    for (int i = 0; i < 115; ++i) {
        wide += "é";
    }
    for (const std::string lead : {"", "x"}) {
        parked.append("s-1", "T", R"({"id":")" + lead + wide + R"(","n":")" + lead + wide + "\"}");
    }
    parked.append("s-1", "T", R"({"id":"a","n":1})");
    REQUIRE(parked.project());
    CHECK(parked.rows() == Rows{R"({"id":"a","n":1})"});
    CHECK(parked.projector->parked()->size() == 2);
}

}  // namespace skald::cqrs
