// Orders whose rows change in the commit of their events: a query sees an append that returned, and
// no two orders ever have one invoice. Checks what it says; ends non-zero when something is wrong.
#include <cstdio>
#include <string>

#include "orders.h"
#include "skald/cqrs/inline_projection.h"
#include "skald/cqrs/view.h"
#include "skald/store.h"
#include "tell.h"

namespace {

using shop::Order;
using skald::cqrs::InlineProjection;
using skald::cqrs::View;

int fail(const std::string& why) {
    std::fprintf(stderr, "orders_inline: %s\n", why.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = argc > 1 ? argv[1] : "orders-inline-data";
    auto store = skald::open_store(directory);
    if (!store) {
        return fail(store.error().message);
    }
    if (!tell(**store, "order-1", shop::Placed{"ann", 1200})) {
        return fail("the first order is not placed");
    }
    auto orders = InlineProjection::attach(**store, shop::orders(1));
    if (!orders) {
        return fail(orders.error().message);
    }
    const View<Order> view((*orders)->model());
    const auto second = tell(**store, "order-2", shop::Placed{"ann", 800});
    const auto placed = view.get("order-2");
    if (!second || !placed || !*placed || !*view.get("order-1")) {
        return fail("an order that was placed is not there");
    }
    const auto paid = tell(**store, "order-1", shop::Paid{"invoice 1"});
    const auto refused = tell(**store, "order-2", shop::Paid{"invoice 1"});
    if (!paid || refused || refused.error().code != skald::Errc::already_exists) {
        return fail("an invoice is paid twice");
    }
    std::printf("refused: %s\n", refused.error().message.c_str());
    const auto info = (*store)->stream_info("order-2");
    if (!info || info->last != skald::Version(0)) {
        return fail("what was refused is in the log");
    }
    return 0;
}
