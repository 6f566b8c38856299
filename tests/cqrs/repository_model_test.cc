// Several repositories on one store, in every order of their steps, over a store that loses
// answers and refuses: whatever happens, the account holds what the accepted commands say, each of
// them once as long as it is remembered.
#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "skald/cqrs/repository.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kCommands = 12;

struct Step {
    std::size_t repository;  // who sends the command
    std::size_t command;     // its id: a small number, so that commands are repeated
    std::int64_t cents;      // below zero: withdrawn
};

// What a store does to the appends that reach it.
enum class Fault : std::uint8_t { none, before, after, overtaken, refused };

struct Plan {
    std::size_t remembered;  // commands
    std::vector<Step> steps;
    std::vector<Fault> faults;
};

// Lets another repository carry out a step of its own in the middle of an append.
class Interleaving final : public ForwardingStore {
  public:
    explicit Interleaving(EventStore& inner) : ForwardingStore(inner) {}
    std::function<Fault()> next;
    std::function<void()> other;

    Result<Receipt> append(const Append& request) override {
        switch (depth_ == 0 ? next() : Fault::none) {
            case Fault::before:
                return Error(Errc::outcome_unknown, "lost on the way there");
            case Fault::after:
                (void)ForwardingStore::append(request);
                return Error(Errc::outcome_unknown, "lost on the way back");
            case Fault::refused:
                return Error(Errc::busy, "told to");
            case Fault::overtaken:
                ++depth_;
                other();
                --depth_;
                break;
            case Fault::none:
                break;
        }
        return ForwardingStore::append(request);
    }

  private:
    int depth_ = 0;
};

// One run: what was carried out, by command id, and what the log says.
class Run {
  public:
    explicit Run(const Plan& plan) : plan_(plan), world_("memory"), store_(world_.store()) {
        store_.next = [this] {
            return fault_ < plan_.faults.size() ? plan_.faults[fault_++] : Fault::none;
        };
        store_.other = [this] {
            if (step_ < plan_.steps.size()) {
                carry_out(plan_.steps[step_++]);
            }
        };
        for (std::size_t i = 0; i < 3; ++i) {
            RepositoryOptions options = quiet(world_);
            options.conflict.attempts = 3;
            options.commands_remembered = plan_.remembered;
            options.cached_aggregates = i == 1 ? 4 : 0;
            options.snapshot.events = i == 2 ? 2 : 0;
            repositories_.push_back(std::make_unique<Repository<Account>>(store_, options));
        }
    }

    void go() {
        Repository<Account> opener(world_.store(), quiet(world_));
        RC_ASSERT(opener.execute("1", Open{"ann"}));
        while (step_ < plan_.steps.size()) {
            carry_out(plan_.steps[step_++]);
        }
    }

    void check() {
        std::vector<std::string> stored;  // commands
        std::int64_t sum = 0;
        for (const Event& event : world_.events("account-1")) {
            if (event.type == "Opened") {
                continue;
            }
            const auto known = std::min(plan_.remembered, stored.size());
            RC_ASSERT(std::count(stored.end() - static_cast<std::ptrdiff_t>(known), stored.end(),
                                 event.command_id) == 0);
            stored.push_back(event.command_id);
            sum += amount_of(event);
            RC_ASSERT(sum >= 0);
            RC_ASSERT(accepted_.contains(event.command_id) || unknown_.contains(event.command_id));
        }
        for (const auto& [command, receipt] : accepted_) {
            RC_ASSERT(std::count(stored.begin(), stored.end(), command) > 0);
        }
        for (auto& repository : repositories_) {
            RC_ASSERT(repository->load("1")->state.cents == sum);
        }
    }

  private:
    static std::int64_t amount_of(const Event& event) {
        const std::size_t at = event.data.find(':') + 1;
        const std::int64_t cents = std::stoll(event.data.substr(at));
        return event.type == "Deposited" ? cents : -cents;
    }

    void carry_out(const Step& step) {
        ExecuteOptions options;
        options.command_id = "c" + std::to_string(step.command);
        Repository<Account>& by = *repositories_[step.repository];
        auto done = step.cents < 0 ? by.execute("1", Withdraw{-step.cents}, options)
                                   : by.execute("1", Deposit{step.cents}, options);
        if (!done) {
            const Errc code = done.error().code;
            RC_ASSERT(code == Errc::outcome_unknown || code == Errc::busy ||
                      code == Errc::wrong_expected_version || code == Errc::partly_repeated);
            if (code == Errc::outcome_unknown) {
                unknown_.emplace(options.command_id, true);
            }
        } else if (done->receipt) {
            const auto [first, added] =
                accepted_.emplace(options.command_id, done->receipt->version);
            // The first receipt, until the command is forgotten and carried out anew.
            RC_ASSERT(first->second == done->receipt->version || plan_.remembered < kCommands);
            const auto events = world_.events("account-1");
            RC_ASSERT(events.at(done->receipt->version.value).command_id == options.command_id);
        }
    }

    const Plan& plan_;
    World world_;
    Interleaving store_;
    std::vector<std::unique_ptr<Repository<Account>>> repositories_;
    std::size_t step_ = 0;
    std::size_t fault_ = 0;
    std::map<std::string, Version> accepted_;
    std::map<std::string, bool> unknown_;
};

rc::Gen<Step> any_step() {
    return rc::gen::construct<Step>(rc::gen::inRange<std::size_t>(0, 3),
                                    rc::gen::inRange<std::size_t>(0, kCommands),
                                    rc::gen::inRange<std::int64_t>(-20, 40));
}

rc::Gen<Plan> any_plan() {
    return rc::gen::construct<Plan>(rc::gen::element<std::size_t>(1, 3, 256),
                                    rc::gen::container<std::vector<Step>>(any_step()),
                                    rc::gen::container<std::vector<Fault>>(rc::gen::element(
                                        Fault::none, Fault::before, Fault::after, Fault::overtaken,
                                        Fault::overtaken, Fault::refused)));
}

std::ostream& operator<<(std::ostream& out, const Plan& plan) {
    out << plan.remembered << " remembered; ";
    for (const Step& step : plan.steps) {
        out << "r" << step.repository << " c" << step.command << " " << step.cents << "; ";
    }
    out << "faults";
    for (const Fault fault : plan.faults) {
        out << " " << static_cast<int>(fault);
    }
    return out;
}

}  // namespace

TEST_CASE("repository: every accepted command's effect is there exactly once", "[cqrs][model]") {
    CHECK(rc::check([] {
        const Plan plan = *any_plan();
        Run run(plan);
        run.go();
        run.check();
    }));
}

}  // namespace skald::cqrs
