package report

import "orrery/internal/review"

// owners are the items of questions, by questionnaire/question.
type owners struct {
	items   map[string]review.SealedItem
	unclear map[string]bool // there is an item that may be of this question or of another
}

// ownersOf finds the items of the questions that were asked: by the key of the question, and
// in seals that were made before items had one by its title, where one question and one item
// alone have it.
func ownersOf(items []review.SealedItem, asked []review.SnapshotSection) owners {
	o := owners{items: map[string]review.SealedItem{}, unclear: map[string]bool{}}
	untold := map[string][]review.SealedItem{} // by title
	for _, item := range items {
		switch {
		case item.Cause != "question":
		case item.Key != "":
			o.items[item.Key] = item
		default:
			untold[item.Title] = append(untold[item.Title], item)
		}
	}
	keys := map[string][]string{} // by title
	for _, s := range asked {
		for _, q := range s.Questions {
			keys[q.Title] = append(keys[q.Title], s.Questionnaire+"/"+q.ID)
		}
	}
	for title, list := range untold {
		for _, key := range keys[title] {
			if len(list) == 1 && len(keys[title]) == 1 {
				o.items[key] = list[0]
			} else {
				o.unclear[key] = true
			}
		}
	}
	return o
}
