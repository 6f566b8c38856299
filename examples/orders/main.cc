// A read model of orders on an embedded log: queries, a write that is seen at once, an event that
// is parked and replayed, a live query, a second version that takes over. Checks what it says; ends
// non-zero when something is wrong.
#include <chrono>
#include <cstdio>
#include <string>

#include "board.h"
#include "orders.h"
#include "skald/cqrs/fold.h"
#include "skald/cqrs/projection_testing.h"
#include "skald/cqrs/view.h"
#include "skald/store.h"
#include "tell.h"

namespace {

using namespace std::chrono_literals;
using shop::Order;
using skald::cqrs::Poison;
using skald::cqrs::Projector;
using skald::cqrs::ReadModel;
using skald::cqrs::View;

int fail(const std::string& why) {
    std::fprintf(stderr, "orders: %s\n", why.c_str());
    return 1;
}

// What events do to rows, by itself: no log, no projector.
bool rows_hold() {
    const auto verdict = skald::cqrs::project(shop::orders(1))
                             .given("order-1", shop::Placed{"ann", 1200}, shop::Paid{"invoice 1"})
                             .then(Order{"order-1", "ann", 1200, "invoice 1"});
    std::printf("%s", verdict.text().c_str());
    return verdict.ok();
}

// What a customer ordered, the largest first, as of a write of ours.
int show(const ReadModel& model, const skald::Receipt& receipt, std::size_t expected) {
    const View<Order> view(model);
    const auto page = view.where(&Order::customer, "ann")
                          .order_by(&Order::cents)
                          .descending()
                          .limit(10)
                          .at_least(receipt.position, 10s)
                          .page();
    if (!page) {
        return fail(page.error().message);
    }
    for (const Order& order : page->rows) {
        std::printf("%s %lld%s\n", order.id.c_str(), static_cast<long long>(order.cents),
                    order.invoice ? " paid" : "");
    }
    return page->rows.size() == expected ? 0 : fail("ann has another number of orders");
}

// The order as it was then, folded now.
int show_then(skald::EventStore& store, const skald::Position& then) {
    skald::cqrs::FoldRequest request;
    request.until = then;
    const auto rows = skald::cqrs::fold(store, shop::orders(1), request);
    const auto order = rows ? (*rows)->view<Order>().get("order-1") : rows.error();
    if (!order || !*order) {
        return fail("the order that was cancelled was there before");
    }
    std::printf("then: %s%s\n", (*order)->id.c_str(), (*order)->invoice ? " paid" : "");
    return 0;
}

// A second order with an invoice that is taken: its stream is parked, the rest goes on.
int park(skald::EventStore& store, const ReadModel& model, Projector& projector,
         const std::string& order) {
    const auto paid = tell(store, order, shop::Paid{"invoice 1"});
    if (!paid || !model.wait_for(paid->position, 10s).reached()) {
        return fail("one bad event holds up all");
    }
    const auto parked = projector.parked(order);
    if (!parked || parked->size() != 1) {
        return fail("the event is not parked");
    }
    std::printf("parked: %s version %llu: %s\n", parked->at(0).stream.c_str(),
                static_cast<unsigned long long>(parked->at(0).version.value),
                parked->at(0).reason.c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (!rows_hold()) {
        return fail("the rows are not as expected");
    }
    const std::string directory = argc > 1 ? argv[1] : "orders-data";
    auto store = skald::open_store(directory + "/log");
    auto model = ReadModel::open(directory + "/orders");
    if (!store || !model) {
        return fail(!store ? store.error().message : model.error().message);
    }
    auto projector = Projector::start(**store, **model, shop::orders(1), {Poison::park()});
    if (!projector) {
        return fail(projector.error().message);
    }
    const auto first = tell(**store, "order-1", shop::Placed{"ann", 1200});
    const auto second = tell(**store, "order-2", shop::Placed{"ann", 800});
    const auto paid = tell(**store, "order-1", shop::Paid{"invoice 1"});
    if (!first || !second || !paid || show(**model, *paid, 2) != 0 ||
        park(**store, **model, **projector, "order-2") != 0) {
        return 1;
    }
    shop::Board board;
    auto live = View<Order>(**model).where(&Order::customer, "ann").live(board);
    if (!live || !board.wait_for_total(2000, 10s)) {
        return fail("the board does not show both orders");
    }
    // Free the invoice, and what was parked goes through.
    const auto gone = tell(**store, "order-1", shop::Cancelled{});
    if (!gone || !(*model)->wait_for(gone->position, 10s).reached()) {
        return fail("the cancellation did not arrive");
    }
    const auto replayed = (*projector)->replay_parked("order-2");
    if (!replayed || replayed->error || show(**model, *gone, 1) != 0 ||
        show_then(**store, paid->position) != 0) {
        return fail("what was parked does not go through");
    }
    if (!board.wait_for_total(800, 10s)) {
        return fail("the board still shows the cancelled order");
    }
    // The next version is built beside this one, and takes over when it has passed it.
    auto next = Projector::start(**store, **model, shop::orders(2), {Poison::park()});
    if (!next) {
        return fail(next.error().message);
    }
    if (const auto promoted = (*model)->promote(2, 10s); !promoted) {
        return fail(promoted.error().message);
    }
    projector->reset();
    if (const auto retired = (*model)->retire(1); !retired) {
        return fail(retired.error().message);
    }
    const auto third = tell(**store, "order-3", shop::Placed{"ann", 300});
    if (!third || !board.wait_for_total(1100, 10s)) {
        return fail("the board did not go on with the second version");
    }
    const auto one = View<Order>(**model).get("order-2");
    if (!one || !*one) {
        return fail("the second version does not have the order");
    }
    std::printf("version 2: %s %lld\n", (*one)->id.c_str(), static_cast<long long>((*one)->cents));
    return 0;
}
