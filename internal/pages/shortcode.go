package pages

import "strconv"

func seconds(n int) string { return strconv.Itoa(n) }
