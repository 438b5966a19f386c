Facts = dict


def markdown(facts):
    return "note"
