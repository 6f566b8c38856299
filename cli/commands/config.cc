// skald config: configuration of services.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <mutex>

#include "cli/commands/commands.h"
#include "cli/coord_words.h"
#include "cli/json_writer.h"
#include "cli/work.h"
#include "skald/configuration.h"

namespace skald::cli {
namespace {

using coord::Configuration;
using coord::SetOptions;
using coord::Setting;
using coord::SettingChange;
using coord::SettingDeclaration;
using coord::SettingType;

constexpr std::array kTypes{SettingType::text,    SettingType::integer,  SettingType::number,
                            SettingType::boolean, SettingType::duration, SettingType::json};

struct Options {
    StoreChoice store;
    std::string service;
    std::string key;
    std::string value;
    std::optional<std::uint64_t> expect;
    std::string by;
    std::string type = "text";
    SettingDeclaration declaration;
};

using ConfigWork = Work<Options, Configuration>;

// ---- in words

std::string line_of(const Setting& setting) {
    std::string line =
        fmt::format("{} = {}    # {}", setting.key, setting.value, name_of(setting.source));
    if (setting.revision.value != 0) {
        line += fmt::format(", revision {}, by {}", setting.revision.value, setting.by);
    }
    return setting.at ? fmt::format("{} at {}", line, to_string(*setting.at)) : line;
}

std::string json_of(const Setting& setting) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("service", setting.service).field("key", setting.key);
    json.field("value", setting.value).field("type", name_of(setting.type));
    json.field("source", name_of(setting.source)).field("revision", setting.revision.value);
    if (setting.at) {
        json.field("by", setting.by).field("at", to_string(*setting.at));
    }
    json.end_object();
    return text;
}

void print(Output& output, const Setting& setting) {
    output.line(output.json() ? json_of(setting) : line_of(setting));
}

SetOptions set_options(const ConfigWork& work) {
    SetOptions options;
    options.by = work.options.by.empty() ? this_process() : work.options.by;
    if (work.options.expect) {
        options.expected = coord::Revision{*work.options.expect};
    }
    return options;
}

// ---- the children

Result<void> get(ConfigWork& work) {
    if (!work.options.key.empty()) {
        const auto setting = work.target.get(work.options.service, work.options.key);
        if (!setting) {
            return setting.error();
        }
        // To people and scripts the value alone: `config get` without a key says the rest.
        work.output.line(work.output.json() ? json_of(*setting) : setting->value);
        return {};
    }
    const auto all = work.target.list(work.options.service);
    if (!all) {
        return all.error();
    }
    for (const Setting& setting : *all) {
        print(work.output, setting);
    }
    return {};
}

Result<void> set(ConfigWork& work) {
    const Options& options = work.options;
    const auto revision =
        work.target.set(options.service, options.key, options.value, set_options(work));
    if (!revision) {
        return revision.error();
    }
    if (work.output.json()) {
        std::string text;
        JsonWriter(text).begin_object().field("revision", revision->value).end_object();
        work.output.line(text);
    }
    return work.said(
        fmt::format("{} = {}, revision {}", options.key, options.value, revision->value));
}

Result<void> remove(ConfigWork& work) {
    const Options& options = work.options;
    return work.said(work.target.remove(options.service, options.key, set_options(work)),
                     options.key + ": removed");
}

Result<void> history(ConfigWork& work) {
    const auto changes = work.target.history(work.options.service, work.options.key);
    if (!changes) {
        return changes.error();
    }
    for (const SettingChange& change : *changes) {
        if (work.output.json()) {
            std::string text;
            JsonWriter json(text);
            json.begin_object().field("number", change.number).key("value");
            change.value ? json.string(*change.value) : json.null();
            json.field("by", change.by).field("at", to_string(change.at)).end_object();
            work.output.line(text);
        } else {
            work.output.line(fmt::format("{} {} by {}: {}", change.number, to_string(change.at),
                                         change.by, change.value ? *change.value : "(removed)"));
        }
    }
    return {};
}

// What is said of a key while it is watched.
std::string line_of_change(const Output& output, const std::string& key,
                           const std::optional<Setting>& setting) {
    if (setting) {
        return output.json() ? json_of(*setting) : line_of(*setting);
    }
    if (!output.json()) {
        return key + ": has no value any more";
    }
    std::string text;
    JsonWriter(text).begin_object().field("key", key).key("value").null().end_object();
    return text;
}

Result<void> watch(ConfigWork& work) {
    std::mutex mutex;
    const StopSignal& stop = work.invocation.console.stop;
    std::ostream& err = work.invocation.console.err;
    coord::SettingsHandler handler;
    handler.on_change = [&](const std::string& key, const std::optional<Setting>& setting) {
        const std::lock_guard lock(mutex);
        work.output.line(line_of_change(work.output, key, setting));
        if (!work.output.flush()) {
            stop.request();
        }
    };
    handler.on_bad = [&](const std::string& key, const Error& why) {
        const std::lock_guard lock(mutex);
        err << "skald: " << key << ": " << why.message << std::endl;
    };
    handler.on_away = [&](bool away) {
        const std::lock_guard lock(mutex);
        err << "skald: the store " << (away ? "cannot be reached" : "is there again") << std::endl;
    };
    const auto watching = work.target.watch(work.options.service, std::move(handler));
    if (!watching) {
        return watching.error();
    }
    stop.wait();
    return {};
}

Result<void> declare_setting(ConfigWork& work) {
    SettingDeclaration declaration = work.options.declaration;
    declaration.service = work.options.service;
    declaration.key = work.options.key;
    // One of those that it may be: the arguments see to that.
    declaration.type = coord::parse_setting_type(work.options.type).value_or(SettingType::text);
    return work.said(work.target.declare(declaration), declaration.key + ": declared");
}

std::string line_of(const SettingDeclaration& declared) {
    std::string line = fmt::format("{}: {}", declared.key, name_of(declared.type));
    const auto add = [&line](const char* what, const std::optional<std::string>& value) {
        line += value ? fmt::format(", {} {}", what, *value) : "";
    };
    add("default", declared.fallback);
    add("least", declared.least);
    add("most", declared.most);
    if (!declared.choices.empty()) {
        line += fmt::format(", one of {}", fmt::join(declared.choices, " "));
    }
    return declared.description.empty() ? line
                                        : fmt::format("{}    # {}", line, declared.description);
}

std::string json_of(const SettingDeclaration& declared) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("service", declared.service).field("key", declared.key);
    json.field("type", name_of(declared.type));
    const auto add = [&json](const char* name, const std::optional<std::string>& value) {
        json.key(name);
        value ? json.string(*value) : json.null();
    };
    add("default", declared.fallback);
    add("least", declared.least);
    add("most", declared.most);
    json.key("choices").begin_array();
    for (const std::string& choice : declared.choices) {
        json.string(choice);
    }
    json.end_array().field("description", declared.description).end_object();
    return text;
}

Result<void> types(ConfigWork& work) {
    const auto all = work.target.declarations(work.options.service);
    if (!all) {
        return all.error();
    }
    for (const SettingDeclaration& declared : *all) {
        work.output.line(work.output.json() ? json_of(declared) : line_of(declared));
    }
    return {};
}

// ---- what they take

void declare_service(Arguments& arguments, Options& options) {
    arguments.text("SERVICE", "", options.service, "the service, or `*` for all").required();
}

void declare_key(Arguments& arguments, Options& options) {
    declare_service(arguments, options);
    arguments.text("KEY", "", options.key, "the setting").required();
}

void declare_get(Arguments& arguments, Options& options) {
    declare_service(arguments, options);
    arguments.text("KEY", "", options.key, "the setting; default all");
}

void declare_change(Arguments& arguments, Options& options) {
    arguments.number("--expect", "REVISION", options.expect,
                     "the service's own value must have it; 0: there must be none");
    arguments.text("--by", "TEXT", options.by, "who; default host:pid");
}

void declare_set(Arguments& arguments, Options& options) {
    declare_key(arguments, options);
    arguments.text("VALUE", "", options.value, "the value").required();
    declare_change(arguments, options);
}

void declare_remove(Arguments& arguments, Options& options) {
    declare_key(arguments, options);
    declare_change(arguments, options);
}

void declare_declare(Arguments& arguments, Options& options) {
    declare_key(arguments, options);
    std::vector<std::string> words;
    for (const SettingType type : kTypes) {
        words.emplace_back(name_of(type));
    }
    SettingDeclaration& declaration = options.declaration;
    arguments.text("--type", "", options.type, "of its values; default text")
        .one_of(std::move(words));
    arguments.text("--default", "VALUE", declaration.fallback, "where none is set");
    arguments.text("--least", "VALUE", declaration.least, "of integer, number and duration");
    arguments.text("--most", "VALUE", declaration.most, "of the same");
    arguments.list("--choice", "TEXT", declaration.choices, "one of these texts; again for more");
    arguments.text("--description", "TEXT", declaration.description, "what it is for");
}

std::unique_ptr<Configuration> open(coord::Coord& coord, const Invocation&) {
    return coord::open_configuration(coord);
}

}  // namespace

Command config_command() {
    const CoordChildren<Options, Configuration> child(open);
    return {.name = "config",
            .summary = "Configuration of services: values over defaults, with their history",
            .example = "skald config set billing retries 5",
            .declare = {},
            .run = {},
            .children = {
                child.make("get", "One value, or all with where they come from",
                           "skald config get billing retries", declare_get, get),
                child.make("set", "Set a value", "skald config set billing retries 5 --expect 12",
                           declare_set, set),
                child.make("remove", "Remove a service's own value, so that the default is its",
                           "skald config remove billing retries", declare_remove, remove),
                child.make("history", "The last changes of a value",
                           "skald config history billing retries", declare_key, history),
                child.make("watch", "All values, and each change as it comes",
                           "skald config watch billing", declare_service, watch),
                child.make("declare", "Say what a key may hold",
                           "skald config declare billing retries --type integer --default 3 "
                           "--least 0 --most 10",
                           declare_declare, declare_setting),
                child.make("types", "What was declared", "skald config types billing",
                           declare_service, types)}};
}

}  // namespace skald::cli
