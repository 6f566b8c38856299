// skald query: rows of a read model.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands/commands.h"
#include "cli/commands/query_live.h"
#include "cli/model_session.h"
#include "cli/output.h"
#include "cli/row_table.h"

namespace skald::cli {
namespace {

struct QueryOptions {
    StoreChoice store;
    std::string model;
    std::vector<std::string> key;
    std::vector<std::string> where;
    std::string order;
    std::optional<std::string> from;
    std::optional<std::string> to;
    bool descending = false;
    std::uint64_t limit = 100;
    std::string after;
    std::uint64_t version = 0;
    std::string at_least;
    bool live = false;
    std::optional<std::uint64_t> count;
};

Result<cqrs::RowQuery> row_query(const QueryOptions& options, std::chrono::milliseconds wait) {
    cqrs::RowQuery query;
    for (const std::string& word : options.where) {
        const std::size_t sign = word.find('=');
        if (sign == std::string::npos || sign == 0) {
            return Error(Errc::invalid_argument,
                         fmt::format("--where {}: expected FIELD=VALUE", word));
        }
        query.where.push_back({word.substr(0, sign), word.substr(sign + 1)});
    }
    query.key = options.key;
    query.order = options.order;
    if (options.from) {
        query.from = cqrs::RowQuery::Bound{*options.from, true};
    }
    if (options.to) {
        query.to = cqrs::RowQuery::Bound{*options.to, true};
    }
    query.descending = options.descending;
    query.limit = static_cast<std::uint32_t>(options.limit);
    query.after = options.after;
    query.version = static_cast<std::uint32_t>(options.version);
    if (!options.at_least.empty()) {
        auto position = parse_position(options.at_least);
        if (!position) {
            return position.error();
        }
        query.at_least = std::move(*position);
        query.wait = wait;
    }
    return query;
}

void print(Output& output, const cqrs::RowPage& page, bool as_table) {
    for (const std::string& line : as_table ? row_table(page.rows) : page.rows) {
        output.line(line);
    }
}

Result<void> run(const QueryOptions& options, const Invocation& invocation) {
    auto query = row_query(options, invocation.globals.timeout);
    if (!query) {
        return query.error();
    }
    auto session = ModelSession::open(invocation, options.store);
    if (!session) {
        return session.error();
    }
    if (options.live) {
        return follow_rows(*session, {options.model, std::move(*query), options.count}, invocation);
    }
    if (auto ok = session->catch_up(invocation, options.model, query->version); !ok) {
        return ok;
    }
    auto page = session->models().query(options.model, *query);
    if (!page) {
        return page.error();
    }
    if (page->rows.empty() && !options.key.empty()) {
        return Error(Errc::not_found, fmt::format("{}: there is no row {}", options.model,
                                                  fmt::join(options.key, " ")));
    }
    const Globals& globals = invocation.globals;
    Output output(invocation);
    print(output, *page, !globals.json && (globals.text || invocation.console.out_is_terminal));
    auto done = output.flush();
    if (!page->next.empty() && !globals.quiet) {
        invocation.console.err << "skald: query: there is more: --after " << page->next << '\n';
    }
    return done;
}

void declare(Arguments& arguments, QueryOptions& options) {
    arguments.text("MODEL", "", options.model, "the read model's name").required();
    arguments.list("KEY", "", options.key, "of the row: a value each column of the key, in order");
    arguments.list("--where", "FIELD=VALUE", options.where,
                   "only rows with that value, by the key or an index; again for more fields");
    arguments.text("--order", "FIELD", options.order, "by an index that goes on with that field");
    arguments.text("--from", "VALUE", options.from, "of the field that orders, from there on");
    arguments.text("--to", "VALUE", options.to, "of the field that orders, up to there");
    arguments.flag("--desc", options.descending, "highest first");
    auto limit = arguments.number("--limit", "N", options.limit, "rows; default 100");
    limit.range(1, 10'000);
    auto after =
        arguments.text("--after", "CURSOR", options.after, "go on where the same query ended");
    arguments.number("--version", "N", options.version, "of the model; default the active one")
        .range(1, UINT32_MAX);
    arguments.text("--at-least", "POSITION", options.at_least,
                   "the rows are to reflect everything before it, as a receipt names it");
    auto live =
        arguments.flag("--live", options.live, "all rows, then what becomes of them, until Ctrl-C");
    live.excludes(limit).excludes(after);
    arguments.number("--count", "N", options.count, "with --live, end after N changes")
        .range(1, ~0ULL)
        .needs(live);
    declare_store(arguments, options.store, Create::no);
}

}  // namespace

Command query_command() {
    return command_of<QueryOptions>("query", "Rows of a read model",
                                    "skald query work --order events --desc --limit 5", declare,
                                    run);
}

}  // namespace skald::cli
