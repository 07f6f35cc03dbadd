/** How large an expression and what it makes may be. Every hostile text ends at one of these, well under a second. */

/** UTF-16 units of the text of an expression. */
export const EXPRESSION_CHARS_MAX = 2_000;
/** Levels of the tree: brackets, chains of operators on the right, members of members. */
export const DEPTH_MAX = 50;
/** Nodes of the tree. */
export const NODES_MAX = 500;
/** Elements of a list that an expression writes or makes. */
export const LIST_ITEMS_MAX = 1_000;
/** UTF-16 units of a string that an expression makes. */
export const STRING_CHARS_MAX = 100_000;
/** Steps of one evaluation besides its nodes: elements compared, characters written or matched. */
export const STEPS_MAX = 1_000_000;
