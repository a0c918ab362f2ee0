package ui

// IconCount is how many icons the package knows.
var IconCount = len(icons)
