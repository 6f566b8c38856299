#include "cqrs/inline_build.h"

#include "cqrs/limits.h"
#include "cqrs/position_order.h"

namespace skald::cqrs {

InlineBuild::InlineBuild(EventStore& store, ModelCore& core,
                         const std::shared_ptr<ModelVersion>& version,
                         const AnyProjection& projection)
    : store_(store), target_(core, version, projection), applier_(target_, poison_) {}

Result<void> InlineBuild::begin() {
    if (auto ok = applier_.begin(0); !ok || applier_.position().partitions.empty()) {
        return ok;
    }
    auto known = check_position(store_, applier_.position());
    if (known || !is_untrusted(known.error())) {
        return known;
    }
    auto head = store_.position();
    if (!head) {
        return head.error();
    }
    auto ok = target_.reset(*head);
    return ok ? applier_.begin(0) : ok;
}

Result<bool> InlineBuild::take_page(const Position& head) {
    Read read;
    read.selection = target_.selection();
    read.limit = skald::limits::kPageEventsMax;
    if (!applier_.position().partitions.empty()) {
        read.start = applier_.position();
    }
    auto page = store_.read(read);
    if (!page && class_of(page.error().code) == ErrorClass::not_found) {
        applier_.advance(head);  // of a stream that is not there, or no longer
        return true;
    }
    if (!page) {
        return page.error();
    }
    if (const auto failure = applier_.apply(page->events, page->next)) {
        return failure->error;
    }
    auto ok = applier_.due() ? applier_.commit(false) : Result<void>();
    return ok ? Result<bool>(page->end) : ok.error();
}

Result<void> InlineBuild::come_near() {
    for (unsigned pass = 0; pass < limits::kInlinePassesMax; ++pass) {
        auto head = store_.position();
        if (!head) {
            return head.error();
        }
        if (left_between(applier_.position(), *head) <= limits::kInlineLastEvents) {
            return {};
        }
        bool end = false;
        while (!end && !covers(applier_.position(), *head)) {
            auto taken = take_page(*head);
            if (!taken) {
                return taken.error();
            }
            end = *taken;
        }
    }
    return {};
}

Result<Position> InlineBuild::finish() {
    auto head = store_.position();
    if (!head) {
        return head;
    }
    for (bool end = false; !end;) {
        auto taken = take_page(*head);
        if (!taken) {
            return taken.error();
        }
        end = *taken;
    }
    applier_.advance(*head);
    auto ok = applier_.commit(true);
    return ok ? head : ok.error();
}

}  // namespace skald::cqrs
