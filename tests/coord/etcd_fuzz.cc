// Any text as what etcd answers: nothing but an error may come of it, and revisions are told once,
// rising.
#include <cstdlib>

#include "coord/etcd_messages.h"
#include "coord/revision_pieces.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    using namespace skald::coord;
    const std::string text(reinterpret_cast<const char*>(input), size);
    const EtcdMessages messages("p/");
    (void)messages.listing(text);
    (void)messages.txn_result(text);
    (void)EtcdMessages::granted(text);
    (void)EtcdMessages::kept_alive(text);
    (void)EtcdMessages::token(text);
    if (auto news = messages.news(text)) {
        RevisionPieces pieces;
        Revision last;
        for (const Revised& revised : pieces.add(std::move(news->revised), news->fragment)) {
            if (revised.revision <= last && last != Revision{}) {
                std::abort();
            }
            last = revised.revision;
        }
    }
    HttpEnd end;
    end.status = 200;
    end.body = text;
    (void)outcome_of(std::move(end), size % 2 == 0);
    return 0;
}
