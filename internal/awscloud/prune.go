package awscloud

// pruned appends the compact JSON value of src at i to dst, without nulls and empty members,
// as pruneValue does on values: a hundred thousand findings are written this way. It returns
// what follows the value, and false when nothing of it is left. src is what json.Marshal
// wrote.
func pruned(dst, src []byte, i int) (out []byte, next int, some bool) {
	switch src[i] {
	case '{', '[':
		return prunedList(dst, src, i)
	case '"':
		next = textEnd(src, i)
		if next == i+2 {
			return dst, next, false
		}
		return append(dst, src[i:next]...), next, true
	case 'n':
		return dst, i + len("null"), false
	}
	for next = i; next < len(src) && src[next] != ',' && src[next] != '}' && src[next] != ']'; {
		next++
	}
	return append(dst, src[i:next]...), next, true
}

// prunedList is pruned for an object or an array.
func prunedList(dst, src []byte, i int) (out []byte, next int, some bool) {
	begin, open := len(dst), src[i]
	dst = append(dst, open)
	for i++; src[i] != '}' && src[i] != ']'; {
		if src[i] == ',' {
			i++
		}
		before := len(dst)
		if some {
			dst = append(dst, ',')
		}
		if open == '{' {
			value := textEnd(src, i) + len(":")
			dst, i = append(dst, src[i:value]...), value
		}
		var kept bool
		if dst, i, kept = pruned(dst, src, i); !kept {
			dst = dst[:before]
		}
		some = some || kept
	}
	if !some {
		return dst[:begin], i + 1, false
	}
	return append(dst, src[i]), i + 1, true
}

// textEnd is what follows the string that begins at i.
func textEnd(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}
