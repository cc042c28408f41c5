/*
 * Call paths: a tree with a node for each function and each way that it was called. It lies in the
 * counter's file; only the links that make finding a node fast are kept here.
 */
#ifndef CALL_TREE_H
#define CALL_TREE_H

#include <stdlib.h>

#include "counter_file.h"

struct call_tree {
    struct counter_node *node; /* the first is the root: nothing called it */
    uint32_t *used;
    uint32_t room;
    uint32_t *child;   /* of each node the latest one, or 0 */
    uint32_t *sibling; /* the next child of the same node, or 0 */
};

/* Start on the nodes of a counter's file. Returns false without memory. */
static inline bool call_tree_open(struct call_tree *tree, struct counter_header *file,
                                  struct counter_node *node) {
    tree->node = node;
    tree->used = &file->nodes_used;
    tree->room = file->nodes;
    tree->child = calloc(file->nodes, sizeof *tree->child);
    tree->sibling = calloc(file->nodes, sizeof *tree->sibling);
    if (*tree->used == 0) {
        *tree->used = 1;
    }
    return tree->child != NULL && tree->sibling != NULL;
}

static inline void call_tree_close(struct call_tree *tree) {
    free(tree->child);
    free(tree->sibling);
}

/* The node of a function called from another node; the root where there is no room for one. */
static inline uint32_t call_tree_enter(struct call_tree *tree, uint32_t parent, uint32_t function) {
    uint32_t found = tree->child[parent];

    while (found != 0 && tree->node[found].function != function) {
        found = tree->sibling[found];
    }
    if (found == 0 && *tree->used < tree->room) {
        found = *tree->used;
        tree->node[found].function = function;
        tree->node[found].parent = parent;
        tree->sibling[found] = tree->child[parent];
        tree->child[parent] = found;
        __atomic_store_n(tree->used, found + 1u, __ATOMIC_RELEASE);
    }
    tree->node[found].calls++;
    return found;
}

#endif
