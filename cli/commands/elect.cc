// skald elect: one process of several leads.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "cli/commands/commands.h"
#include "cli/coord_words.h"
#include "cli/json_writer.h"
#include "cli/work.h"
#include "skald/elections.h"

namespace skald::cli {
namespace {

using coord::CampaignOptions;
using coord::Candidacy;
using coord::Elections;
using coord::Leader;
using coord::Term;
using std::chrono::milliseconds;

constexpr milliseconds kLook{100};  // between two looks at whether it leads

struct Options {
    StoreChoice store;
    std::string name;
    std::string value;
    std::int32_t priority = 0;
    bool preempt = false;
    std::optional<std::chrono::microseconds> ttl;
    std::optional<std::chrono::microseconds> heartbeat;
    std::string by;
    std::string reason = "by command";
};

using ElectWork = Work<Options, Elections>;

// ---- in words

std::string line_of(const Term& term) {
    const Leader& leader = term.leader;
    std::string line = fmt::format("term {}: {} leads since {}", leader.term, leader.value,
                                   to_string(leader.since));
    if (!term.end) {
        return line;
    }
    line = fmt::format("term {}: {} led from {}, {}", leader.term, leader.value,
                       to_string(leader.since), name_of(term.end->why));
    if (term.end->at.us != 0) {
        line += " at " + to_string(term.end->at);
    }
    if (!term.end->by.empty()) {
        line += " by " + term.end->by;
    }
    return term.end->reason.empty() ? line : fmt::format("{}: {}", line, term.end->reason);
}

std::string json_of(const Term& term) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("term", term.leader.term).field("value", term.leader.value);
    json.field("priority", std::int64_t{term.leader.priority});
    json.field("since", to_string(term.leader.since));
    if (term.end) {
        json.key("end").begin_object().field("why", name_of(term.end->why));
        json.field("by", term.end->by).field("reason", term.end->reason).key("at");
        if (term.end->at.us != 0) {
            json.string(to_string(term.end->at));
        } else {
            json.null();
        }
        json.end_object();
    }
    json.end_object();
    return text;
}

void print(Output& output, const Term& term) {
    output.line(output.json() ? json_of(term) : line_of(term));
}

// ---- the children

// Prints when it leads and when it does no more, until it is stopped, or campaigns no more.
Result<void> follow(ElectWork& work, Candidacy& candidacy) {
    const StopSignal& stop = work.invocation.console.stop;
    std::optional<Leader> told;  // to lead, and not yet to lead no more
    while (!stop.wait(told ? kLook : milliseconds(0))) {
        const auto leads = candidacy.leading();
        if (told && (!leads || leads->term != told->term)) {
            work.output.line(work.output.json()
                                 ? fmt::format(R"({{"term":{},"leads":false}})", told->term)
                                 : fmt::format("term {}: leads no more", told->term));
            told.reset();
        } else if (!told) {
            auto got = candidacy.await(kLook);
            if (got) {
                print(work.output, {*got, std::nullopt});
                told = std::move(*got);
            } else if (got.error().code != Errc::timed_out) {
                return got.error();
            }
        }
        if (auto ok = work.output.flush(); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> campaign(ElectWork& work) {
    const Options& options = work.options;
    CampaignOptions wanted;
    wanted.value = options.value.empty() ? this_process() : options.value;
    wanted.priority = options.priority;
    wanted.preempt = options.preempt;
    wanted.ttl = in_milliseconds(options.ttl).value_or(wanted.ttl);
    wanted.heartbeat = in_milliseconds(options.heartbeat).value_or(wanted.heartbeat);
    auto candidacy = work.target.campaign(options.name, wanted);
    return candidacy ? follow(work, **candidacy) : candidacy.error();
}

Result<void> resign(ElectWork& work) {
    const Options& options = work.options;
    const std::string by = options.by.empty() ? this_process() : options.by;
    return work.said(work.target.dismiss(options.name, by, options.reason),
                     options.name + ": its leader is dismissed");
}

Result<void> log(ElectWork& work) {
    const auto terms = work.target.log(work.options.name);
    if (!terms) {
        return terms.error();
    }
    for (const Term& term : *terms) {
        print(work.output, term);
    }
    return {};
}

Result<void> observe(ElectWork& work) {
    std::mutex mutex;
    const StopSignal& stop = work.invocation.console.stop;
    const auto observation = work.target.observe(work.options.name, [&](const Term& term) {
        const std::lock_guard lock(mutex);
        print(work.output, term);
        if (!work.output.flush()) {
            stop.request();
        }
    });
    if (!observation) {
        return observation.error();
    }
    stop.wait();
    return {};
}

// Who leads, and who would next.
Result<void> list(ElectWork& work) {
    const auto names = work.target.names();
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        const auto candidates = work.target.candidates(name);
        if (!candidates) {
            return candidates.error();
        }
        // Those that do not lead have no term.
        const auto leads = std::find_if(candidates->begin(), candidates->end(),
                                        [](const Leader& each) { return each.term != 0; });
        const bool led = leads != candidates->end();
        if (work.output.json()) {
            std::string text;
            JsonWriter json(text);
            json.begin_object().field("name", name).key("leader");
            led ? json.raw(json_of({*leads, std::nullopt})) : json.null();
            json.field("candidates", std::uint64_t{candidates->size()}).end_object();
            work.output.line(text);
        } else {
            work.output.line(fmt::format(
                "{}: {}, {}", name,
                led ? fmt::format("{} leads, term {}", leads->value, leads->term) : "nobody leads",
                counted(candidates->size(), "candidate", "candidates")));
        }
    }
    return {};
}

// ---- what they take

void declare_nothing(Arguments&, Options&) {}

void declare_name(Arguments& arguments, Options& options) {
    arguments.text("NAME", "", options.name, "the election's name").required();
}

void declare_campaign(Arguments& arguments, Options& options) {
    declare_name(arguments, options);
    arguments.text("--value", "TEXT", options.value, "shown to others; default host:pid");
    arguments.parsed(
        "--priority", "N",
        [&options](const std::string& word) -> std::optional<std::string> {
            const char* const end = word.data() + word.size();
            const auto [stop, problem] = std::from_chars(word.data(), end, options.priority);
            return problem == std::errc{} && stop == end
                       ? std::nullopt
                       : std::optional<std::string>("not a whole number of 32 bits");
        },
        "the highest leads; default 0");
    arguments.flag("--preempt", options.preempt, "take the place of a leader of a lower priority");
    arguments.duration("--ttl", "TIME", options.ttl,
                       "another leads so long after this program died; default 10s");
    arguments.duration("--heartbeat", "TIME", options.heartbeat,
                       "at most a third of --ttl, which is the default");
}

void declare_resign(Arguments& arguments, Options& options) {
    declare_name(arguments, options);
    arguments.text("--by", "TEXT", options.by, "who says so; default host:pid");
    arguments.text("--reason", "TEXT", options.reason, "why, kept in the log");
}

std::unique_ptr<Elections> open(coord::Coord& coord, const Invocation&) {
    return coord::open_elections(coord);
}

}  // namespace

Command elect_command() {
    const CoordChildren<Options, Elections> child(open);
    return {
        .name = "elect",
        .summary = "Elections: one process of several leads",
        .example = "skald elect campaign scheduler --priority 10",
        .declare = {},
        .run = {},
        .children = {child.make("campaign", "Campaign, and say when it leads and when no more",
                                "skald elect campaign scheduler --priority 10 --ttl 9s",
                                declare_campaign, campaign),
                     child.make("resign", "End the lead of whoever leads",
                                "skald elect resign scheduler --reason 'new version'",
                                declare_resign, resign),
                     child.make("observe", "Who leads, and each change as it comes",
                                "skald elect observe scheduler", declare_name, observe),
                     child.make("log", "Who led, and how it ended", "skald elect log scheduler",
                                declare_name, log),
                     child.make("ls", "Who leads where", "skald elect ls", declare_nothing, list)}};
}

}  // namespace skald::cli
