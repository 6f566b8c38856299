#include "tests/race/pairs.h"

#include <fmt/format.h>

#include <thread>
#include <vector>

#include "skald/client.h"
#include "skald/cqrs/declared_models.h"
#include "skald/cqrs/remote_models.h"
#include "tests/race/arena.h"

namespace skald::race {
namespace {

constexpr std::uint64_t kWriters = 4;

constexpr const char* kNewest = R"(
name = "newest"
key = "writer"
[columns]
writer = "text"
round = "integer"
[[on]]
type = "Written"
key = "stream.id"
set = { round = "data.round" }
)";

// The declared model, and how each writer asks for its rows.
class Rows {
  public:
    explicit Rows(Arena& arena)
        : models_(must(cqrs::DeclaredModels::open(arena.way(), arena.directory().path("rows")))) {
        const auto begun = must(models_->create("newest.toml", kNewest));
        must(models_->catch_up(begun.name, begun.version, [](auto, auto) { return true; }));
        if (arena.node() == nullptr) {
            return;
        }
        served_ = must(cqrs::serve_models(arena.node()->services(), *models_));
        ClientOptions options;
        options.servers = arena.node()->endpoints();
        services_ = must(connect_services(options));
        remote_ = std::make_unique<cqrs::RemoteModels>(*services_);
    }
    cqrs::ReadModels& models() {
        return remote_ ? static_cast<cqrs::ReadModels&>(*remote_) : *models_;
    }

  private:
    std::unique_ptr<cqrs::DeclaredModels> models_;
    std::unique_ptr<cqrs::ServedModels> served_;
    std::unique_ptr<Services> services_;
    std::unique_ptr<cqrs::RemoteModels> remote_;
};

Receipt write(EventStore& store, std::uint64_t writer, std::uint64_t round) {
    NewEvent event;
    event.type = "Written";
    event.data = fmt::format(R"({{"round":{}}})", round);
    return must(store.append(Append::one(fmt::format("newest-{}", writer), std::move(event))));
}

void write_and_read(EventStore& store, cqrs::ReadModels& models, std::uint64_t writer,
                    std::uint64_t rounds, bool seeded) {
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const Receipt receipt = write(store, writer, round);
        cqrs::RowQuery query;
        query.key = {std::to_string(writer)};
        if (!seeded) {
            query.at_least = receipt.position;
            query.wait = std::chrono::minutes(1);
        }
        const cqrs::RowPage page = must(models.query("newest", query));
        const std::string row = fmt::format(R"({{"writer":"{}","round":{}}})", writer, round);
        promise(page.rows == std::vector<std::string>{row},
                fmt::format("writer {} wrote round {} and read {}", writer, round,
                            page.rows.empty() ? "nothing" : page.rows.front()));
    }
}

}  // namespace

std::uint64_t pairs(const std::string& kind, std::uint64_t rounds, bool seeded) {
    Arena arena(kind, false);
    Rows rows(arena);
    const std::uint64_t each = (rounds + kWriters - 1) / kWriters;
    std::vector<std::thread> threads;
    for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
        EventStore& store = arena.way();
        threads.emplace_back(
            [&, writer] { write_and_read(store, rows.models(), writer, each, seeded); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return each * kWriters;
}

}  // namespace skald::race
