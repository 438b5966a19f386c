def markdown(connection):
    return "erDiagram\n"
