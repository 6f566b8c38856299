# skald_flatbuffers(<target> <file.fbs>...): compiles schemas for one target, which includes them as
# "<room>/<file>_generated.h". Nothing else sees the generated code: the directory is private.
# Generated headers insist on the exact FlatBuffers version, so they are made at build time and
# never committed. SKALD_FLATC_OPTIONS of the caller go to flatc as well.
function(skald_flatbuffers target)
    file(RELATIVE_PATH room ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    set(root ${CMAKE_CURRENT_BINARY_DIR}/generated)
    set(headers)
    foreach(schema IN LISTS ARGN)
        cmake_path(GET schema STEM stem)
        set(header ${root}/${room}/${stem}_generated.h)
        add_custom_command(
            OUTPUT ${header}
            COMMAND flatbuffers::flatc --cpp --scoped-enums --cpp-std c++17
                    ${SKALD_FLATC_OPTIONS} -I
                    ${CMAKE_CURRENT_SOURCE_DIR} -o ${root}/${room}
                    ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
            DEPENDS ${ARGN}
            COMMENT "flatc ${room}/${schema}"
            VERBATIM)
        list(APPEND headers ${header})
    endforeach()
    target_sources(${target} PRIVATE ${headers})
    target_include_directories(${target} SYSTEM PRIVATE ${root})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:flatbuffers::flatbuffers>)
endfunction()
