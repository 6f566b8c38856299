// Consumers of a node whose log is scavenged: they stand where they stood.
#include <atomic>

#include "skald/admin.h"
#include "skald/consumers.h"
#include "tests/broker/node_fixture.h"

namespace skald {
namespace {

ClientOptions client_of(const Node& node) {
    ClientOptions options;
    options.servers = node.endpoints();
    return options;
}

// What is in the log of it.
struct Standing {
    ConsumerStatus status;
    std::vector<ParkedEvent> parked;
    bool operator==(const Standing&) const = default;
};

// A node that is started again and again over one directory.
class Shop {
  public:
    explicit Shop(std::uint16_t partitions) : options_(options_of(directory_)) {
        options_.partitions = partitions;
        open();
    }
    void open() {
        node_ = start(options_);
        auto consumers = connect_consumers(client_of(*node_));
        REQUIRE(consumers);
        consumers_ = std::move(*consumers);
    }
    void close() {
        consumers_.reset();
        node_.reset();
    }
    void declare(const std::string& name) {
        ConsumerSettings settings;
        settings.name = name;
        REQUIRE(consumers_->create(settings));
    }
    void publish(int events) {
        for (int i = 0; i < events; ++i) {
            const std::string stream = "order-" + std::to_string(i % 8);
            REQUIRE(node_->local().append(Append::one(stream, event("{}"))));
        }
    }
    // A member takes events one by one, so that each answer is a record, until so many were
    // answered; some of them are parked, some wait. Where there are more, one of these may be
    // answered, too, before it is drained.
    void work(const std::string& name, int events) {
        std::atomic<int> left{events};
        MemberOptions options;
        options.in_flight = 1;
        auto member = consumers_->join(
            name,
            [&left](const Work&) -> WorkAnswer {
                const int nth = left--;
                left.notify_all();
                return nth % 40 == 7   ? WorkAnswer(ParkWork{"no such customer"})
                       : nth % 40 == 9 ? WorkAnswer(RetryWork{1h, "later"})
                                       : WorkAnswer(AckWork{});
            },
            options);
        REQUIRE(member);
        for (int seen = left; seen > 0; seen = left) {
            left.wait(seen);
        }
        REQUIRE((*member)->drain());
    }
    Standing standing(const std::string& name) {
        const auto shown = consumers_->show(name);
        const auto parked = consumers_->parked(name, std::nullopt, 1000);
        REQUIRE(shown);
        REQUIRE(parked);
        Standing standing{{}, *parked};
        standing.status.settings = shown->settings;
        standing.status.paused = shown->paused;
        standing.status.done = shown->done;
        standing.status.failures = shown->failures;
        standing.status.waiting = shown->waiting;
        standing.status.parked = shown->parked;
        return standing;
    }
    ScavengeReport scavenge() {
        const auto report = scavenge_node(client_of(*node_));
        INFO((report ? std::string() : report.error().message));
        REQUIRE(report);
        return *report;
    }
    // Of a node that is not at work.
    void check_sound() {
        const auto report = verify_directory(options_.data_dir);
        REQUIRE(report);
        CHECK(report->index_checked);
        for (const VerifyProblem& problem : report->problems) {
            FAIL_CHECK(problem.place << ": " << problem.message);
        }
    }
    Consumers& consumers() { return *consumers_; }
    const std::string& data_dir() const { return options_.data_dir; }

  private:
    const TempDirectory directory_;
    NodeOptions options_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<Consumers> consumers_;
};

}  // namespace

TEST_CASE("consumers: stand where they stood when their records were scavenged", "[node]") {
    Shop shop(GENERATE(std::uint16_t{1}, std::uint16_t{4}));
    shop.declare("mailer");
    shop.declare("idle");
    shop.declare("gone");
    shop.publish(360);
    shop.work("mailer", 360);  // a whole record and more
    shop.work("gone", 30);
    REQUIRE(shop.consumers().pause("idle"));
    REQUIRE(shop.consumers().remove("gone"));
    const Standing mailer = shop.standing("mailer");
    const Standing idle = shop.standing("idle");
    CHECK(mailer.status.done == 342);
    CHECK(mailer.status.waiting == 9);
    CHECK(mailer.parked.size() == 9);
    // Four catalogues; of each of the two that worked at least a record for each answer.
    CHECK(shop.scavenge().records_removed >= 4 + 256 + 30);
    const auto check_stands = [&] {
        CHECK(shop.standing("mailer") == mailer);
        CHECK(shop.standing("idle") == idle);
        CHECK(shop.consumers().show("gone").error().code == Errc::not_found);
    };
    check_stands();
    shop.close();
    shop.check_sound();
    shop.open();
    check_stands();
    CHECK(shop.scavenge().records_removed == 0);
    shop.close();
    const auto offline = scavenge_directory(shop.data_dir());
    REQUIRE(offline);
    CHECK(offline->records_removed == 0);
    shop.open();
    check_stands();
    shop.declare("gone");
    shop.publish(10);
    shop.work("mailer", 10);
    CHECK(shop.standing("mailer").status.done + shop.standing("mailer").status.waiting +
              shop.standing("mailer").parked.size() ==
          370);
    shop.work("gone", 370);
    shop.close();
    REQUIRE(scavenge_directory(shop.data_dir()));
    shop.check_sound();
}

}  // namespace skald
