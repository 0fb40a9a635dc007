"""Pure DataFrame and Column transforms: no I/O, no logging, nothing imported from `jobs`."""
