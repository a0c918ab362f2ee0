package report

import (
	"reflect"

	"orrery/internal/report/typeset"
)

// printable reports whether every letter of every text in a value is in a typeface of the
// document.
func printable(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return typeset.Prints(v.String())
	case reflect.Pointer:
		return v.IsNil() || printable(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return true
		}
		for i := range v.Len() {
			if !printable(v.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !printable(v.Field(i)) {
				return false
			}
		}
	}
	return true
}
