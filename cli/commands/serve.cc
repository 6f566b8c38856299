#include "cli/commands/serve.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "cli/commands/commands.h"
#include "cli/curve_keys.h"
#include "cli/model_session.h"
#include "cli/output.h"
#include "skald/cqrs/remote_models.h"

namespace skald::cli {
namespace {

constexpr std::size_t kConfigBytesMax = 1 << 20;
constexpr std::uint64_t kPageBytes = 4096;  // the log's map ends with a page

Result<std::optional<ConfigFile>> read_config_file(const ServeOptions& options,
                                                   const StopSignal& stop) {
    const std::string name = options.config_file.value_or(std::string(kDefaultConfigFile));
    std::error_code problem;
    if (!options.config_file && !std::filesystem::exists(name, problem)) {
        return std::optional<ConfigFile>();
    }
    auto source = FileSource::open(name, stop);
    if (!source) {
        return source.error();
    }
    auto text = read_all(**source, kConfigBytesMax);
    if (!text) {
        return Error(text.error().code, fmt::format("{}: {}", name, text.error().message));
    }
    return std::optional(ConfigFile{name, std::move(*text)});
}

std::vector<FlagValue> flag_values(const ServeOptions& options) {
    std::vector<FlagValue> flags;
    const auto add = [&flags](std::string key, std::string flag,
                              const std::optional<std::string>& word) {
        if (word) {
            flags.push_back({std::move(key), std::move(flag), {*word}});
        }
    };
    const auto add_list = [&flags](std::string key, std::string flag,
                                   const std::vector<std::string>& words) {
        if (!words.empty()) {
            flags.push_back({std::move(key), std::move(flag), words});
        }
    };
    add("node.data", "--data", options.data);
    add("node.partitions", "--partitions", options.partitions);
    add_list("listen.clients", "--listen", options.listen);
    add("listen.http", "--http", options.http);
    add("security.secret_key_file", "--secret-key-file", options.secret_key_file);
    add_list("security.clients", "--client-key", options.clients);
    add("log.format", "--log-format", options.log_format);
    add("log.level", "--log-level", options.log_level);
    return flags;
}

Result<LoadedConfig> load(const ServeOptions& options, const Console& console) {
    auto file = read_config_file(options, console.stop);
    if (!file) {
        return file.error();
    }
    return load_config({std::move(*file), console.environment, flag_values(options)});
}

Result<void> show_config(const LoadedConfig& loaded, const Invocation& invocation) {
    Output output(invocation);
    if (!output.json()) {
        std::string text = print_config(loaded);
        text.pop_back();
        output.line(text);
        return output.flush();
    }
    output.line(config_json(loaded));
    return output.flush();
}

std::string ready_line(const Node& node) {
    std::string line =
        fmt::format("ready node={} listen={}", node.id(), fmt::join(node.endpoints(), ","));
    if (!node.http_endpoint().empty()) {
        line += fmt::format(" http={}", node.http_endpoint());
    }
    return line;
}

// Until a stop is requested or the node ends by itself; drains it. `before_stop` ends what uses its
// store.
Result<void> wait_for_end(Node& node, const StopSignal& stop, const Logger& log,
                          const std::function<void()>& before_stop) {
    Result<void> ended;
    std::thread waiter([&] {
        ended = node.wait();
        stop.request();
    });
    stop.wait();
    log.info("serve", "stopping");
    before_stop();
    node.stop();
    waiter.join();
    return ended;
}

// Threads hand memory to one another: what one heap has free, another could not use.
void use_one_heap() {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
#endif
}

// The projections that are declared in the data directory, on the node's own log.
struct Projections {
    std::unique_ptr<cqrs::DeclaredModels> models;
    std::unique_ptr<cqrs::ServedModels> served;  // the last: it uses the models
};

Result<Projections> run_projections(Node& node, const ServeConfig& config, const Logger& log) {
    auto models = cqrs::DeclaredModels::open(node.local(), projections_directory(config.data));
    auto infos = models ? (*models)->list() : models.error();
    if (!infos) {
        return infos.error();
    }
    for (const cqrs::ModelInfo& info : *infos) {
        if (info.fault) {
            log.error("projection", "cannot run", {{"name", info.name}, {"reason", *info.fault}});
        }
    }
    auto served = cqrs::serve_models(node.services(), **models, {.declarations = true});
    return served ? Result<Projections>(Projections{std::move(*models), std::move(*served)})
                  : served.error();
}

Result<void> serve(const ServeConfig& config, const Invocation& invocation) {
    use_one_heap();
    auto options = node_options(config);
    if (!options) {
        return options.error();
    }
    // A reader of the ready line that went away must not end the node.
    std::signal(SIGPIPE, SIG_IGN);
    const Logger log(parse_log_format(config.log_format).value_or(LogFormat::text),
                     parse_log_level(config.log_level).value_or(LogLevel::info), log_to_stderr(),
                     invocation.console.clock);
    auto node = invocation.backends.start_node(*options);
    if (!node) {
        return node.error();
    }
    auto projections = run_projections(**node, config, log);
    if (!projections) {
        return projections.error();
    }
    log.info("serve", "ready",
             {{"node", (*node)->id()},
              {"data", config.data},
              {"listen", fmt::format("{}", fmt::join((*node)->endpoints(), ","))},
              {"http", (*node)->http_endpoint()}});
    invocation.console.out << ready_line(**node) << std::endl;
    auto ended = wait_for_end(**node, invocation.console.stop, log, [&] {
        projections->served.reset();
        projections->models.reset();
    });
    if (!ended) {
        log.error("serve", "ended", {{"reason", ended.error().message}});
    }
    return ended;
}

Result<void> run(const ServeOptions& options, const Invocation& invocation) {
    auto loaded = load(options, invocation.console);
    if (!loaded) {
        return loaded.error();
    }
    return options.print_config ? show_config(*loaded, invocation)
                                : serve(loaded->config, invocation);
}

void declare(Arguments& arguments, ServeOptions& options) {
    arguments
        .text("--config", "PATH", options.config_file,
              "TOML file; default /etc/skald/skald.toml if there is one")
        .path();
    arguments.flag("--print-config", options.print_config,
                   "print every effective value with its source, and end");
    arguments.text("--data", "PATH", options.data, "the data directory; made when missing").path();
    arguments.text("--partitions", "N", options.partitions, "of a new data directory; fixed then");
    arguments.list("--listen", "ENDPOINT", options.listen,
                   "for clients: tcp://127.0.0.1:7400, ipc://PATH; port `*` picks one; again for "
                   "more");
    arguments.text("--http", "HOST:PORT", options.http,
                   "health and metrics; port 0 picks one; \"\" for none");
    arguments
        .text("--secret-key-file", "PATH", options.secret_key_file,
              "our CURVE key, as `skald keys new` wrote it")
        .path();
    arguments.list("--client-key", "KEY", options.clients,
                   "public key of a client that is admitted, or `*`; again for more");
    arguments.text("--log-format", "", options.log_format, "form of the log on standard error")
        .one_of({"text", "json"});
    arguments.text("--log-level", "", options.log_level, "the least that is logged")
        .one_of({"debug", "info", "warning", "error"});
}

NodeLimits node_limits(const ServeConfig& config) {
    NodeLimits limits;
    limits.sessions = config.sessions;
    limits.subscriptions = config.subscriptions;
    limits.request_bytes_in_flight = config.request_bytes_in_flight;
    limits.session_bytes_in_flight = config.session_bytes_in_flight;
    limits.session_requests_in_flight =
        static_cast<std::uint32_t>(config.session_requests_in_flight);
    limits.send_bytes_queued = config.send_bytes_queued;
    limits.expiry = std::chrono::milliseconds(config.expiry_ms);
    return limits;
}

}  // namespace

Result<NodeOptions> node_options(const ServeConfig& config) {
    NodeOptions options;
    options.data_dir = config.data;
    options.partitions = static_cast<std::uint16_t>(config.partitions);
    options.map_bytes = (config.map_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    options.limits = node_limits(config);
    options.listen = config.listen;
    options.http = config.http;
    options.clients = config.clients;
    for (const PermissionRule& rule : config.permissions) {
        options.permissions.push_back({rule.key, rule.read, rule.write, rule.admin});
    }
    if (!config.secret_key_file.empty()) {
        auto key = read_secret_key(config.secret_key_file);
        if (!key) {
            return key.error();
        }
        options.secret_key = std::move(*key);
    }
    return options;
}

Command serve_command() {
    return command_of<ServeOptions>("serve", "Run a node",
                                    "skald serve --data ./data --listen tcp://127.0.0.1:7400",
                                    declare, run);
}

}  // namespace skald::cli
